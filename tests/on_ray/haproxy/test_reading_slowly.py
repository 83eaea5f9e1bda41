"""What Ray's HAProxy does and its own proxy does not: `make test-ray` runs this on a cluster that has it."""

import json
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from on_ray.asking import body
from on_ray.conftest import PROGRAMS
from raying import RayServer, until

pytestmark = pytest.mark.timeout(180)

STILL = 3.0
"""Seconds without a word, after which a program has stopped."""


def said(mark: Path) -> int:
    lines = mark.read_text().split() if mark.exists() else []
    return int(lines[-1]) if lines else 0


def stops(mark: Path) -> bool:
    before = said(mark)
    time.sleep(STILL)
    return before > 0 and said(mark) == before


def test_a_client_that_does_not_read_stops_its_program_and_one_that_reads_again_starts_it(tmp_path: Path) -> None:
    mark = tmp_path / "said"
    server = RayServer(str(PROGRAMS / "gushing.py"), "--max-answer", "1000000000")
    server.deploy()
    url = urlsplit(server.base_url)
    asked = json.dumps(body("a", "gushing", mark=str(mark))).encode()
    head = f"POST {url.path}/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    with socket.create_connection((url.hostname, url.port)) as slow:
        slow.sendall(head.encode() + b"content-length: %d\r\n\r\n" % len(asked) + asked)
        assert b" 200 OK" in slow.recv(200)
        until(lambda: stops(mark), 60, "the stop")
        stopped = said(mark)
        print(f"stopped after {stopped} words, {stopped * 200 / 1e6:.1f} MB of text")
        slow.settimeout(5)
        while said(mark) <= stopped:
            assert slow.recv(2**20)
    server.stop()
