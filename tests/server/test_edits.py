import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from watchfiles import Change

from mserve.server import edits as module
from mserve.server.edits import edits

LIMIT = 10.0


async def begin(*roots: Path) -> AsyncIterator[list[Path]]:
    """Watch, and be sure of it: the first edits are our own."""
    seen = edits(roots)
    following = asyncio.ensure_future(anext(seen))
    number = 0
    while not following.done():
        (roots[0] / f"first{number}.py").write_text("")
        number += 1
        await asyncio.wait([following], timeout=0.2)
    return seen


async def names(seen: AsyncIterator[list[Path]]) -> set[str]:
    async with asyncio.timeout(LIMIT):
        while True:
            found = {file.name for file in await anext(seen)}
            if found := {name for name in found if not name.startswith("first")}:
                return found


async def test_edits_of_python_files_are_told_and_nothing_else(tmp_path: Path) -> None:
    ignored = [".git", "__pycache__", "node_modules", "env"]
    for name in [*ignored, "part"]:
        (tmp_path / name).mkdir()
    (tmp_path / "env" / "pyvenv.cfg").write_text("")
    seen = await begin(tmp_path)
    for name in ignored:
        (tmp_path / name / "a.py").write_text("")
    (tmp_path / "a.txt").write_text("")
    (tmp_path / ".a.py").write_text("")
    (tmp_path / "gone").write_text("")
    (tmp_path / "part" / "b.py").write_text("")
    assert await names(seen) == {"b.py"}
    (tmp_path / "part" / "b.py").unlink()
    assert await names(seen) == {"b.py"}


async def test_several_folders_and_those_that_come_later_are_watched(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    seen = await begin(one, two)
    (two / "a.py").write_text("")
    assert await names(seen) == {"a.py"}
    (two / "later").mkdir()
    assert await names(seen) == {"later"}
    following = asyncio.ensure_future(names(seen))
    while not following.done():
        (two / "later" / "b.py").write_text("")
        await asyncio.wait([following], timeout=0.2)
    assert following.result() == {"b.py"}


async def test_a_folder_that_is_gone_may_come_again(tmp_path: Path) -> None:
    following = asyncio.ensure_future(names(edits([tmp_path / "gone"])))
    await asyncio.sleep(0.1)
    (tmp_path / "gone").mkdir()
    async with asyncio.timeout(LIMIT):
        while not following.done():
            (tmp_path / "gone" / "a.py").write_text("")
            await asyncio.wait([following], timeout=0.2)
    assert following.result() == {"a.py"}


async def test_a_name_that_is_no_text_does_not_end_the_watch(tmp_path: Path) -> None:
    seen = await begin(tmp_path)
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.py")).write_text("")
    told = asyncio.ensure_future(names(seen))
    number = 0
    while not told.done():
        (tmp_path / f"later{number}.py").write_text("")
        number += 1
        await asyncio.wait([told], timeout=0.2)
    assert all(name.startswith("later") for name in told.result())


async def test_whatever_else_ends_the_watch_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(_folders: object) -> AsyncIterator[set[tuple[Change, str]]]:
        raise ExceptionGroup("", [RuntimeError("no room")])
        yield set()

    monkeypatch.setattr(module, "_changes", fails)
    with pytest.raises(ExceptionGroup):
        await anext(edits([tmp_path]))


async def test_no_folder_has_no_edits() -> None:
    assert [found async for found in edits([])] == []


async def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    seen = await begin(tmp_path)
    (tmp_path / "a.py").write_text("")
    assert await names(seen) == {"a.py"}


def test_the_nearest_folders_come_first_and_a_missing_one_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        (tmp_path / "a" / f"b{number}").mkdir(parents=True)
    (tmp_path / "c").mkdir()
    missing = tmp_path / "missing"
    assert len(module._folders([tmp_path, tmp_path / "a"])) == 8
    assert set(module._folders([tmp_path, missing])[:4]) == {tmp_path, missing, tmp_path / "a", tmp_path / "c"}
    monkeypatch.setattr(module, "_MOST", 3)
    assert len(module._folders([tmp_path])) == 3
