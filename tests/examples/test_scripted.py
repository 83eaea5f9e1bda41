from examples.asking import ask
from processes import EXAMPLES, Serve


def test_the_client_prints_each_shape(serve: Serve) -> None:
    server = serve(EXAMPLES / "scripted" / "program.py", flags=("--name", "scripted"))
    assert ask("scripted", server).splitlines() == [
        "text: You said: hello ",
        'a call: go({"city": "Lisbon"})',
        'JSON: {"city": "Lisbon"}',
    ]
