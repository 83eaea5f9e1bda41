"""HTTP as bytes on a socket, since no client library says what is wrong, slow or in pieces."""

import json
import re
import socket
import time
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from processes import ServerProcess


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        """The error, in the shape of all of them."""
        error: dict[str, Any] = json.loads(self.body)["error"]
        assert error.keys() == {"message", "type", "param", "code"}
        assert error["type"] == ("invalid_request_error" if self.status < 500 else "server_error")
        assert self.headers["content-type"] == "application/json"
        return error

    @property
    def text(self) -> str:
        """What the program said, whole."""
        text: str = json.loads(self.body)["choices"][0]["message"]["content"]
        return text


def connect(server: ServerProcess, timeout: float = 10.0) -> socket.socket:
    url = urlsplit(server.base_url)
    connection = socket.create_connection((url.hostname or "", url.port or 0), timeout=timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def asking(prompt: str, *headers: str, stream: bool = False) -> bytes:
    """A request for a program, whole."""
    body = json.dumps({"stream": stream, "messages": [{"role": "user", "content": prompt}]})
    return posting(body.encode(), f"Content-Length: {len(body)}", *headers)


def posting(body: bytes, *headers: str) -> bytes:
    lines = ["POST /v1/chat/completions HTTP/1.1", "Host: localhost", "Content-Type: application/json", *headers]
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body


def rest(connection: socket.socket) -> bytes:
    """All that still comes, until the server closes."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def answers(raw: bytes) -> list[Answer]:
    """Take apart what a server said: nothing may be left over."""
    found: list[Answer] = []
    while raw:
        head, _, raw = raw.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        match = re.fullmatch(r"HTTP/1\.1 (\d{3}) [A-Z].*", status)
        assert match is not None, status
        if headers.get("transfer-encoding") == "chunked":
            body, raw = _chunks(raw)
        else:
            size = int(headers["content-length"])
            assert len(raw) >= size
            body, raw = raw[:size], raw[size:]
        found.append(Answer(int(match[1]), headers, body))
    return found


def read_answer(connection: socket.socket) -> Answer:
    """Read one answer that has a length, from a connection that stays open."""
    raw = b""
    while True:
        head, _, body = raw.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        if length is not None and len(body) >= int(length[1]):
            (answer,) = answers(raw)
            return answer
        raw += (piece := connection.recv(65536))
        assert piece, f"the connection ended after {raw!r}"


def exchange(server: ServerProcess, *pieces: bytes, pause: float = 0.0) -> list[Answer]:
    """Send something piece by piece, and give all answers until the server closes."""
    with connect(server) as connection:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause)
        return answers(rest(connection))


def _chunks(raw: bytes) -> tuple[bytes, bytes]:
    body = b""
    while True:
        size, _, raw = raw.partition(b"\r\n")
        length = int(size, 16)
        body, end, raw = body + raw[:length], raw[length : length + 2], raw[length + 2 :]
        assert end == b"\r\n"
        if length == 0:
            return body, raw
