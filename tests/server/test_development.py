"""What who writes a program sees of a real `mserve dev`: the events of its edits, its own lines, its failures."""

import json
import re
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.developing import LIMIT, SERVING, ask, developing, edit

PROGRAM = """
import json

def serve(prompt):
    if prompt == "fail":
        json.loads("{")
    return "v0"
"""


class Events(threading.Thread):
    """All that one stream of events says until the server ends it."""

    def __init__(self, base_url: str, **headers: str) -> None:
        super().__init__(daemon=True)
        self.status, self.said, self.ended = 0, list[Any](), 0.0
        self._url, self._headers = f"{base_url.removesuffix('/v1')}/dev/events", headers
        self._changed = threading.Condition()
        self.start()

    def run(self) -> None:
        with httpx.stream("GET", self._url, headers=self._headers, timeout=60) as reply:
            self.status = reply.status_code
            for line in reply.iter_lines():
                if line.startswith("data: "):
                    with self._changed:
                        self.said.append(json.loads(line[6:]))
                        self._changed.notify_all()
        self.ended = time.monotonic()

    def wait_for(self, count: int) -> list[Any]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.said) >= count, LIMIT), self.said
        return self.said

    def end(self) -> list[Any]:
        self.join(LIMIT)
        assert not self.is_alive(), self.said
        return self.said


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (file := tmp_path / "hello.py").write_text(PROGRAM)
    return file


BROKEN = {
    "def serve(:\n": "hello.py, line 1: syntax error: invalid syntax: def serve(:",
    "import os\n\nimport no_such_module\n": "hello.py, line 3: 'no_such_module' is not installed here",
    "from json import no_such_name\n": "hello.py, line 1: ImportError: cannot import name 'no_such_name'",
    "def deep():\n    return {}['x']\n\ndeep()\n": "hello.py, line 2: KeyError: 'x'",
    "import os\nos._exit(7)\n": "the program ended its process while it was loaded, with exit code 7",
}


def test_pages_hear_what_becomes_of_each_edit_until_one_takes_over(file: Path) -> None:
    with developing(str(file)) as server:
        events = Events(server.base_url)
        assert events.wait_for(1) == [{"type": "serving", "programs": ["hello"]}]
        for number, (text, reason) in enumerate(BROKEN.items()):
            edit(file, text)
            edited, failed = events.wait_for(3 + 2 * number)[-2:]
            assert edited == {"type": "edited", "files": ["hello.py"]}
            assert failed["type"] == "failed"
            assert reason in failed["reason"]
        late = Events(server.base_url)
        assert late.wait_for(2)[1] == events.said[-1]
        edit(file, PROGRAM.replace("v0", "v1"))
        server.wait_for_times(SERVING, 2)
        for stream in (events, late):
            assert stream.end()[-1] == {"type": "edited", "files": ["hello.py"]}
        again = Events(server.base_url)
        assert again.wait_for(1) == [{"type": "serving", "programs": ["hello"]}]
        assert ask(server) == "v1"
        before = time.monotonic()
        assert server.stop() == 0
        assert again.end() == [{"type": "serving", "programs": ["hello"]}]
        assert again.ended - before < 4  # and not after the time that open requests get
    assert "open requests get" not in server.output


def test_strangers_hear_no_reasons_unless_that_was_said(file: Path) -> None:
    key = {"x-api-key": "sesame"}
    body = {"messages": [{"role": "user", "content": "fail"}]}
    for flags, is_told in (((), False), (("--show-errors",), True)):
        edit(file, PROGRAM)
        with developing(str(file), *flags, env={"MSERVE_API_KEY": "sesame"}) as server:
            reply = httpx.post(f"{server.base_url}/chat/completions", json=body, headers=key)
            assert (reply.status_code, "JSONDecodeError" in reply.text) == (500, is_told)
            stranger, events = Events(server.base_url), Events(server.base_url, **key)
            assert stranger.end() == []
            assert stranger.status == 401
            events.wait_for(1)
            edit(file, "def serve(:\n")
            failed = events.wait_for(3)[-1]
            assert failed["type"] == "failed"
            assert ("hello.py" in failed["reason"]) is is_told
            server.wait_for("hello.py, line 1: syntax error", LIMIT)


def fail(base_url: str) -> httpx.Response:
    return httpx.post(f"{base_url}/chat/completions", json={"messages": [{"role": "user", "content": "fail"}]})


def test_the_author_reads_their_own_line_in_the_answer_and_in_the_terminal(file: Path) -> None:
    with developing(str(file)) as server:
        reply = fail(server.base_url)
        assert reply.status_code == 500
        error = reply.json()["error"]
        assert (error["code"], error["type"]) == ("program_error", "server_error")
        assert error["message"].startswith("json.decoder.JSONDecodeError: ")
        assert error["message"].endswith('(hello.py, line 6, in serve)\n    json.loads("{")')
        server.wait_for("JSONDecodeError: Expecting")
    shown = re.findall(r"(?m)^  (File .*|…)", server.output)
    assert shown == [f'File "{file}", line 6, in serve', "…"]


def test_the_terminal_shows_all_of_a_traceback_where_more_is_to_be_logged(file: Path) -> None:
    with developing(str(file), "--log-level", "debug", "--no-show-errors") as server:
        assert "JSONDecodeError" not in fail(server.base_url).text
        server.wait_for("JSONDecodeError: Expecting")
    assert ", in raw_decode" in server.output
    assert "…" not in server.output
