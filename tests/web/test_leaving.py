"""Clients that leave: real processes, killed; the program must hear of it at once, wherever it stands."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable

import httpx
import pytest

from processes import Serve, ServerProcess

LIMIT = 0.1
"""Seconds from the kill to the close of the program."""

PROGRAM = """
import asyncio
import threading
import time

def note(word):
    print(f"{{word}} {{time.time()}}", flush=True)

{serve}
"""
ASYNC_GENERATOR = """
async def serve(prompt):
    note(f"open {prompt}")
    try:
        while True:
            await asyncio.sleep(0.01 if prompt.startswith("speak") else 60)
            yield "a"
    finally:
        note(f"closed {prompt}")
"""
ASYNC_FUNCTION = """
async def serve(prompt):
    note(f"open {prompt}")
    try:
        await asyncio.sleep(60)
        return "a"
    finally:
        note(f"closed {prompt}")
"""
SYNC_GENERATOR = """
def serve(cancelled, prompt):
    thread = threading.get_ident()
    note(f"open {prompt}")
    try:
        while not cancelled.is_set():
            time.sleep(0.01)
            yield "a"
    finally:
        note(f"closed {prompt}" if thread == threading.get_ident() else "closed elsewhere")
"""
SYNC_FUNCTION = """
def serve(cancelled, prompt):
    note(f"open {prompt}")
    while not cancelled.is_set():
        time.sleep(0.01)
    note(f"closed {prompt}")
    return "a"
"""

CLIENT = """
import sys, httpx
base_url, prompt, stream = sys.argv[1:]
body = {"messages": [{"role": "user", "content": prompt}], "stream": stream == "True"}
with httpx.stream("POST", base_url + "/chat/completions", json=body, timeout=60) as reply:
    for line in reply.iter_lines():
        print(line, flush=True)
"""


def closing_time(server: ServerProcess, prompt: str, kill: Callable[[], None]) -> float:
    """Kill, and give the seconds until the program was closed."""
    killed = time.time()
    kill()
    return float(server.wait_for(rf"closed {prompt} (?P<at>\S+)")["at"]) - killed


@pytest.fixture(scope="module", params=[ASYNC_GENERATOR, ASYNC_FUNCTION, SYNC_GENERATOR, SYNC_FUNCTION])
def server(request: pytest.FixtureRequest, serve_module: Serve) -> ServerProcess:
    return serve_module(PROGRAM.format(serve=request.param))


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("mode", ["speak", "think"])
def test_the_program_of_a_killed_client_is_closed_at_once(server: ServerProcess, mode: str, stream: bool) -> None:
    prompt = f"{mode}-{stream}"
    command = [sys.executable, "-c", CLIENT, server.base_url, prompt, str(stream)]
    client = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    server.wait_for(f"open {prompt}", 10)
    assert closing_time(server, prompt, client.kill) < LIMIT
    client.wait()
    assert httpx.get(f"{server.base_url}/models").status_code == 200


def test_a_client_that_stops_reading_stops_the_program(serve: Serve) -> None:
    flood = """
said = 0
async def serve(prompt):
    global said
    try:
        while True:
            said += 1
            if said % 100 == 0:
                note(f"said {said}")
            yield "x" * 1000
    finally:
        note(f"closed {prompt}")
"""
    server = serve(PROGRAM.format(serve=flood))
    address = server.base_url.split("/")[2].split(":")
    body = b'{"messages":[{"role":"user","content":"x"}],"stream":true}'
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with socket.create_connection((address[0], int(address[1]))) as client:
        client.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        last = settled(server)
        assert len(client.recv(1000)) > 0
        assert "closed" not in server.output
        client.close()
        server.wait_for("closed")
    assert int(last.rpartition("said ")[2].split()[0]) < 50_000


def settled(server: ServerProcess, rounds: int = 100) -> str:
    """Wait until the program has said nothing new for a while; an error where it never stops."""
    before = ""
    for _ in range(rounds):
        time.sleep(0.2)
        if server.output == before and "said" in before:
            return before
        before = server.output
    raise AssertionError(f"the program never stopped: {before[-200:]}")


def test_a_client_that_leaves_while_it_sends_costs_no_run(serve: Serve) -> None:
    server = serve(PROGRAM.format(serve=ASYNC_FUNCTION))
    address = server.base_url.split("/")[2].split(":")
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with socket.create_connection((address[0], int(address[1]))) as client:
        client.sendall(head + b'Content-Length: 9999\r\n\r\n{"messages":')
    assert httpx.get(f"{server.base_url}/models").status_code == 200
    assert "open" not in server.output
