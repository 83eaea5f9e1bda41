"""HTTP at its slowest: bodies in drops, clients that never stop, and a loop that is held."""

import time

from processes import Serve
from server.raw import answers, asking, connect, posting, rest

PROGRAM = """
import time

async def serve(prompt):
    kind, _, seconds = prompt.partition(" ")
    if kind == "block":
        time.sleep(float(seconds))
    yield prompt
"""
HASTY = ("--header-timeout", "0.5", "--body-timeout", "0.5")


def test_a_body_has_its_time_in_all(serve: Serve) -> None:
    server = serve(PROGRAM, flags=("--body-timeout", "0.1"))
    started = time.monotonic()
    with connect(server) as connection:
        connection.sendall(posting(b"", "Content-Length: 1000"))
        connection.settimeout(0.05)
        told = b""
        while not told:
            connection.sendall(b" ")
            try:
                told = connection.recv(65536)
            except TimeoutError:
                assert time.monotonic() - started < 4
        assert answers(told)[0].status == 408
    assert time.monotonic() - started > 1.9


def test_what_the_server_did_not_read_is_not_late(serve: Serve) -> None:
    server = serve(PROGRAM, flags=HASTY)
    whole = asking("hi", "Connection: close")
    with connect(server) as blocking, connect(server) as head, connect(server) as body:
        head.sendall(whole[:30])
        body.sendall(whole[:-10])
        time.sleep(0.2)
        blocking.sendall(asking("block 1.2"))
        time.sleep(0.2)
        head.sendall(whole[30:])
        body.sendall(whole[-10:])
        assert [answer.text for answer in answers(rest(head)) + answers(rest(body))] == ["hi", "hi"]
