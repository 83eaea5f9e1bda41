import logging
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

import mserve
from mserve.programs.user import load

START = """
from mellea.core import Backend
from mellea.stdlib.context import ChatContext, SimpleContext
from mellea.stdlib.session import MelleaSession

class Silent(Backend):
    _provider = "silent"
    async def _generate_from_context(self, *arguments, **more): ...
    async def _generate_from_raw(self, *arguments, **more): ...

backend = Silent()
"""
SERVE = "\ndef serve(prompt):\n    return prompt\n"


def warnings(caplog: pytest.LogCaptureFixture, file: Path, source: str, *names: str) -> list[str]:
    file.write_text(source)
    caplog.clear()
    load(*(f"{file}:{name}" for name in names or ("serve",)))
    assert all((record.name, record.levelno) == ("mserve", logging.WARNING) for record in caplog.records)
    return [record.getMessage() for record in caplog.records]


def told(file: Path | str, name: str, kind: str = "ChatContext") -> str:
    return (
        f"{file}: {name} is one session with a history ({kind}) for all requests, so clients would see each other's "
        "conversations; make the session in serve(), a new one for each request, and share its backend alone"
    )


def test_a_session_with_a_history_is_told_with_its_name_and_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "chatty.py"
    source = START + "m = MelleaSession(backend, ChatContext())" + SERVE
    assert warnings(caplog, file, source) == [told(file, "m")]


def test_it_is_told_once_for_each_session_however_many_programs_there_are(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "two.py"
    source = (
        START
        + "class Mine(MelleaSession): pass\nclass Windowed(ChatContext): pass\n"
        + "one, two = Mine(backend, ctx=ChatContext()), MelleaSession(backend, Windowed())"
        + SERVE
        + SERVE.replace("serve", "other")
    )
    assert warnings(caplog, file, source, "serve", "other") == [told(file, "one"), told(file, "two", "Windowed")]


def test_an_object_that_holds_one_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "object.py"
    source = (
        START
        + "class Bot:\n    def __init__(self):\n        self.session = MelleaSession(backend, ChatContext())\n"
        + "    def __call__(self, prompt):\n        return prompt\n"
        + "    def __getattribute__(self, name):\n        assert name != '__dict__'\n"
        + "        return object.__getattribute__(self, name)\n"
        + "class Slim:\n    __slots__ = ()\n"
        + "serve, slim = Bot(), Slim()\n"
    )
    assert warnings(caplog, file, source) == [told(file, "serve.session")]


@pytest.mark.parametrize(
    "line",
    [
        "m = MelleaSession(backend)",
        "m = MelleaSession(backend, SimpleContext())",
        "context = ChatContext()",  # it never changes: adding to one gives another
        "kind = MelleaSession",
        "def start():\n    return MelleaSession(backend, ChatContext())",
        "class Odd: pass\nOdd.__module__ = None\nodd = Odd()",
    ],
)
def test_what_remembers_nothing_is_not_told(tmp_path: Path, caplog: pytest.LogCaptureFixture, line: str) -> None:
    assert warnings(caplog, tmp_path / "quiet.py", START + line + SERVE) == []


def test_a_callable_is_told_by_its_module(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    source = START + "m = MelleaSession(backend, ChatContext())" + SERVE
    script.write_text(f"{source}\nimport mserve\nmserve.create_app(serve)\n")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.splitlines()[-1] == told(script, "m")


async def test_what_a_lifespan_yields_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "yielding.py"
    lifespan = "import contextlib\n@contextlib.asynccontextmanager\nasync def lifespan():\n    yield "
    session = "MelleaSession(backend, ChatContext())"
    for state, lines in ((session, [told(file, "what lifespan() yields")]), ("backend", [])):
        caplog.clear()
        file.write_text(START + lifespan + state + SERVE)
        app = mserve.create_app(file)
        await app.open()
        await app.close()
        assert [record.getMessage() for record in caplog.records] == lines
        file = tmp_path / "other.py"


async def test_a_lifespan_of_no_module_is_told_too(caplog: pytest.LogCaptureFixture) -> None:
    space: dict[str, Any] = {"__name__": "nowhere"}
    exec(START + "state = MelleaSession(backend, ChatContext())", space)
    lifespan = lambda: nullcontext(space["state"])  # noqa: E731  # made elsewhere, as in a shell
    lifespan.__module__ = "nowhere"
    app = mserve.create_app(lambda prompt: prompt, lifespan=lifespan)
    await app.open()
    await app.close()
    assert [record.getMessage() for record in caplog.records] == [told("a program", "what lifespan() yields")]


def loaded(folder: Path, program: str) -> str:
    """What a process has imported that loaded a program, and what it said."""
    (folder / "program.py").write_text(program)
    script = (
        "import sys\nfrom mserve.programs.user import load\nload('program.py')\n"
        "print(sorted(name for name in sys.modules if 'mellea' in name))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True, cwd=folder
    )
    return done.stdout + done.stderr


def test_mellea_is_not_imported_for_a_program_without_it(tmp_path: Path) -> None:
    assert loaded(tmp_path, "import json\nnumbers = {1: json}\nclass A: pass\na = A()" + SERVE) == "[]\n"


def test_a_mellea_of_another_time_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mellea").mkdir()
    (tmp_path / "mellea" / "__init__.py").write_text("class Session: pass\n")
    assert loaded(tmp_path, "import mellea\nm = mellea.Session()" + SERVE) == "['mellea']\n"
