import pytest

from examples.asking import ask
from processes import EXAMPLES, Serve, ServerProcess


@pytest.fixture(scope="module")
def server(serve_module: Serve) -> ServerProcess:
    return serve_module(EXAMPLES / "streaming" / "program.py", flags=("--name", "streaming"))


@pytest.mark.parametrize("switch", [(), ("--whole",)])
def test_the_client_prints_an_answer_with_either_value_of_its_switch(
    server: ServerProcess, switch: tuple[str, ...]
) -> None:
    answer = ask("streaming", server, *switch, "What is two plus two? Answer in one word.")
    assert answer.strip()
