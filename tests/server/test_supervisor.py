"""Serving what is being written: the newest version that works, and no request lost on the way."""

import os
import signal
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from mserve.errors import StartupError
from mserve.server import development as module
from mserve.server.config import Settings
from server.developing import LIMIT, SERVING, ask, developing, edit, open_hanging, program


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (file := tmp_path / "hello.py").write_text(program("v0"))
    return file


def test_whatever_is_wrong_with_a_version_is_told_and_an_edit_mends_it(file: Path, tmp_path: Path) -> None:
    (words := tmp_path / "words.py").write_text("WORD = \n")
    file.write_text("from words import WORD\n\ndef serve(prompt):\n    return WORD\n")
    with developing(str(file), is_ready=False) as server:
        server.wait_for(r"words.py, line 1: syntax error.*\(waiting for an edit\)", LIMIT)
        edit(words, "WORD = 'a'\n")
        server.wait_until_ready()
        with httpx.Client() as client:  # whose connection stays with the process before, for one answer more
            assert ask(server, client=client) == "a"
            edit(words, "WORD = 'b'\n")
            server.wait_for_times(SERVING, 2)
            time.sleep(0.3)
            assert [ask(server, client=client), ask(server, client=client)] == ["a", "b"]
        server.wait_for_children(1)
        edit(words, "import os\nos._exit(7)\n")
        server.wait_for(r"loaded, with exit code 7  \(the version before goes on\)", LIMIT)
        os.kill(server.children()[0], signal.SIGKILL)
        server.wait_for("the server ended with exit code -9: waiting for an edit", LIMIT)
        edit(words, "import time\nprint('loading', flush=True)\ntime.sleep(60)\n")
        server.wait_for("loading", LIMIT)
        opens = program("v0").replace(
            "yield\n", "print('opening', flush=True)\n    await asyncio.sleep(60)\n    yield\n", 1
        )
        edit(file, opens)
        server.wait_for("opening", LIMIT)
        edit(
            file, program("v1").replace('    print("left', '    raise ValueError("the pool is gone")\n    print("left')
        )
        server.wait_for_times(SERVING, 3)
        assert ask(server) == "v1"
        assert server.stop(signal.SIGINT) == 1
    last = server.output.splitlines()[-1]
    assert last == "mserve: a lifespan failed while it was closed: ValueError: the pool is gone"


def test_a_second_signal_does_not_wait(file: Path) -> None:
    with developing(str(file), "--shutdown-timeout", "60") as server, ThreadPoolExecutor() as pool:
        waiting = pool.submit(open_hanging, server)
        server.wait_for("open", LIMIT)
        for process in (*server.children(), server.pid):  # as Ctrl-C in a terminal does
            os.kill(process, signal.SIGINT)
        server.wait_for("ending: open requests get 60 s", LIMIT)
        edit(file, program("v1"))
        time.sleep(0.5)
        started = time.monotonic()
        assert server.stop(signal.SIGTERM) == 0
        assert time.monotonic() - started < 3
        assert waiting.result(LIMIT).endswith("data: [DONE]\n\n")


def test_folders_that_cannot_be_watched_end_it_with_what_to_do(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the library raises where the system has no watches left: a limit of the whole machine, so not a real one."""

    async def without_watches(_folders: object) -> AsyncIterator[list[Path]]:
        raise RuntimeError("Error creating recommended watcher: Too many open files (os error 24)")
        yield []

    monkeypatch.setattr(module, "edits", without_watches)
    started = time.monotonic()
    with pytest.raises(StartupError, match=r"cannot be watched: .*\(os error 24\); .*raise it by sysctl"):
        module.Development([str(file)], [], Settings(port=0), lambda _told: None).run()
    assert time.monotonic() - started < LIMIT
