"""The Dockerfile, without a container engine: its lines are checked, and all that it says of mserve is done here."""

import importlib.metadata
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import dockerfile
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.proxies import tool
from deploy.shipped import (
    DEPLOY,
    DRAIN_DELAY,
    LONGEST_END,
    ROOT,
    assert_options_exist,
    ended,
    running,
    said,
    write_keys,
)
from mserve.web.playground import BUILT
from server.ending import free_port

COMMANDS: list[dockerfile.Command] = list(dockerfile.parse_file(str(DEPLOY / "Dockerfile")))
_LAST = max(at for at, command in enumerate(COMMANDS) if command.cmd == "FROM")
FIRST, LAST = COMMANDS[:_LAST], COMMANDS[_LAST:]
"""What builds, and what becomes the image."""


def only(name: str) -> dockerfile.Command:
    (found,) = [command for command in LAST if command.cmd == name]
    return found


def variables() -> dict[str, str]:
    """Give what the image sets, but for its path."""
    pairs = only("ENV").value
    return {name: value for name, value in zip(pairs[::2], pairs[1::2], strict=True) if name != "PATH"}


ARGUMENTS = [*only("ENTRYPOINT").value, *only("CMD").value]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as the image's own, and with a file of keys."""
    shutil.copy(ROOT / "examples" / "hello" / "program.py", tmp_path)
    write_keys(tmp_path / "keys")
    return tmp_path


def check_health(port: int, **environment: str) -> int:
    """Run the image's own check; its exit code is 0 or 1."""
    how, python, *rest = only("HEALTHCHECK").value
    assert (how, python) == ("CMD", "python")
    done = subprocess.run(
        [sys.executable, *rest], env=os.environ | {"MSERVE_PORT": str(port)} | environment, stderr=subprocess.DEVNULL,
        timeout=15, check=False,
    )  # fmt: skip
    return done.returncode


def test_the_linter_finds_nothing() -> None:
    done = subprocess.run([tool("hadolint"), DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_signals_reach_the_server_and_it_is_not_root() -> None:
    assert all(only(name).json for name in ("ENTRYPOINT", "CMD", "HEALTHCHECK"))  # no shell stands between
    assert only("STOPSIGNAL").value == ("SIGTERM",)
    (user,) = only("USER").value
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    assert [command.cmd for command in LAST if command.cmd in ("USER", "RUN", "COPY")][-1] == "USER"


def test_every_option_that_the_image_sets_exists() -> None:
    assert_options_exist(ARGUMENTS, variables())
    assert float(variables()["MSERVE_DRAIN_DELAY"]) == DRAIN_DELAY


def test_without_keys_the_image_does_not_start(folder: Path) -> None:
    code, output = ended(ARGUMENTS, variables() | {"MSERVE_PORT": "0"}, folder)
    assert code == 3
    assert "MSERVE_API_KEY" in output


def test_the_images_command_serves_is_healthy_until_it_ends_and_ends_in_time(folder: Path) -> None:
    port = free_port()
    environment = variables() | {"MSERVE_PORT": str(port), "MSERVE_API_KEY_FILE": "keys"}
    assert check_health(port) == 1
    with running(ARGUMENTS, environment, folder, port) as process:
        assert said(port).json()["choices"][0]["message"]["content"] == "Hello! You said: hi "
        assert said(port, "another").status_code == 401
        assert check_health(port) == 0
        nobody = f"http://127.0.0.1:{free_port()}"
        assert check_health(port, http_proxy=nobody, HTTP_PROXY=nobody) == 0
        process.terminate()
        started = time.monotonic()
        assert check_health(port) == 0  # nobody should end it while it drains
        assert process.wait(LONGEST_END + 5) == 0
        assert time.monotonic() - started > DRAIN_DELAY
    assert check_health(port) == 1
    assert '"end": "refused:invalid_api_key"' in (folder / "output").read_text()


def test_no_auth_is_said_by_a_variable(folder: Path) -> None:
    port = free_port()
    with running(ARGUMENTS, variables() | {"MSERVE_PORT": str(port), "MSERVE_NO_AUTH": "1"}, folder, port):
        assert check_health(port) == 0


def copied(stage: list[dockerfile.Command]) -> list[str]:
    """Give what a stage takes from the sources."""
    copies = [command for command in stage if command.cmd == "COPY" and not command.flags]
    return [source for command in copies for source in command.value[:-1]]


def test_the_build_sees_what_it_copies_and_no_more() -> None:
    everything, *rest = [
        line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")
    ]
    allowed = {line.removeprefix("!") for line in rest if line.startswith("!")}
    assert everything == "*"
    assert allowed == {source.partition("/")[0] for source in copied(COMMANDS)}


def test_the_page_is_built_where_the_wheel_takes_it_from() -> None:
    (stage,) = [at for at, command in enumerate(FIRST) if command.cmd == "FROM" and command.value[-1] == "page"]
    page = next(command.value[0] for command in FIRST[stage:] if command.cmd == "WORKDIR")
    (outside,) = re.findall(r'outDir: "(.*?)"', (ROOT / "playground" / "vite.config.ts").read_text())
    (taken,) = [command for command in FIRST if command.cmd == "COPY" and command.flags]
    assert taken.flags == ("--from=page",)
    source, place = taken.value
    assert source == os.path.normpath(f"{page}/{outside}")
    assert (ROOT / place).resolve() == BUILT.parent
    (needed,) = re.findall(r"(?m)^\$\(BUILT\): (.*)", (ROOT / "Makefile").read_text())
    files = {file.replace("$(PAGE)", "playground") for file in re.findall(r"\$\(PAGE\)/[\w./]+", needed)}
    assert files - {"playground/node_modules/.done"} <= set(copied(FIRST))


def test_what_the_build_copies_makes_the_whole_wheel(tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    for name in copied(FIRST):
        source, place = ROOT / name, tmp_path / "build" / name
        if source.is_dir():
            shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            place.parent.mkdir(exist_ok=True, parents=True)
            shutil.copy(source, place)
    quiet = ("-q", "--disable-pip-version-check", "--no-deps", "--no-build-isolation")
    subprocess.run([sys.executable, "-m", "pip", "wheel", *quiet, "-w", tmp_path, tmp_path / "build"], check=True)
    (wheel,) = tmp_path.glob("mserve-*.whl")  # as the Dockerfile's own pattern
    modules = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src").rglob("*.py")}
    assert modules | {"mserve/examples/hello/program.py"} <= set(zipfile.ZipFile(wheel).namelist())


def test_all_that_runs_in_the_image_is_locked() -> None:
    builds = " ".join(part for command in COMMANDS if command.cmd == "RUN" for part in command.value)
    assert "--constraint" in (words := shlex.split(builds))
    assert words[words.index("--constraint") + 1] == "requirements.lock"
    locked = {
        canonicalize_name(line.partition("==")[0]) for line in (ROOT / "requirements.lock").read_text().splitlines()
    }
    needed, left = set[str](), ["mserve"]
    while left:
        for line in importlib.metadata.requires(left.pop()) or []:
            requirement = Requirement(line)
            name = canonicalize_name(requirement.name)
            if name not in needed and (requirement.marker is None or requirement.marker.evaluate({"extra": "otel"})):
                needed.add(name)
                left.append(name)
    assert len(needed) > 10
    assert needed <= locked | {"mserve"}
