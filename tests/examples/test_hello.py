import pytest

from examples.asking import ask
from processes import EXAMPLES, Serve, ServerProcess


@pytest.fixture(scope="module")
def server(serve_module: Serve) -> ServerProcess:
    return serve_module(EXAMPLES / "hello" / "program.py", flags=("--name", "hello"))


def test_the_client_prints_the_greeting(server: ServerProcess) -> None:
    assert ask("hello", server) == "Hello! You said: Is anybody there? \n"


def test_the_client_says_its_argument(server: ServerProcess) -> None:
    assert ask("hello", server, "Grüß dich 🌊") == "Hello! You said: Grüß dich 🌊 \n"
