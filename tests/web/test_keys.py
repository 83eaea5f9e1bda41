"""Keys: how they are written down, told apart, and replaced while the server runs."""

import hashlib
import logging
import os
import re
import time
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mserve.errors import StartupError
from mserve.web import keys as module
from mserve.web.keys import Keys, line_of
from processes import Serve

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}", fullmatch=True)
KEYS = st.from_regex(r"[!-9;-~]{1,512}", fullmatch=True)
GOOD = line_of("alice", "sesame")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each question look at the file."""
    monkeypatch.setattr(module, "_LOOK", 0.0)


@given(name=NAMES, key=KEYS, other=st.binary(max_size=600))
def test_a_key_is_known_by_its_name_and_nothing_else_is(name: str, key: str, other: bytes) -> None:
    keys = Keys([line_of(name, key), GOOD], None)
    assert keys.name_of(key.encode()) == name
    assert keys.name_of(other) is None or other in (key.encode(), b"sesame")


@given(name=NAMES, key=KEYS)
def test_a_line_holds_the_hash_and_not_the_key(name: str, key: str) -> None:
    line = line_of(name, key)
    assert line == f"{name}:{hashlib.sha256(key.encode()).hexdigest()}"
    assert len(key) < 8 or key not in line.removeprefix(name)


@pytest.mark.parametrize("name", ["", " ", "a b", "a:b", "-a", ".a", "a\n", "é", "a" * 65, "a/b"])
def test_a_name_that_could_be_mistaken_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a key's name has letters"):
        line_of(name, "sesame")


@pytest.mark.parametrize("key", ["", " ", "a b", "a\n", "\ta", "é", "\ud800", "a:b", "a" * 513])
def test_a_key_that_no_header_could_hold_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="a key has letters"):
        line_of("alice", key)


def test_a_longer_key_is_another() -> None:
    keys = Keys([line_of("alice", "a" * 512)], None)
    assert keys.name_of(b"a" * 512) == "alice"
    assert keys.name_of(b"a" * 513) is None
    assert keys.name_of(b"a" * 10_000_000) is None


def test_all_keys_are_looked_at_whichever_was_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line_of(f"n{number}", f"k{number}") for number in range(5)]
    seen: list[int] = []

    def counted(one: bytes, other: bytes) -> bool:
        seen[-1] += 1
        return one == other

    monkeypatch.setattr(module, "compare_digest", counted)
    keys = Keys(lines, None)
    for key in (b"k0", b"k4", b"stranger", b""):
        seen.append(0)
        keys.name_of(key)
    assert seen == [5, 5, 5, 5]


def test_a_file_has_a_key_a_line_with_remarks_between(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    upper = line_of("bob", "bobs").partition(":")[2].upper()
    file.write_bytes(f"\ufeff# whose\r\n\r\n  {GOOD}  \r\nbob:{upper}\n{line_of('alice', 'newer')}".encode())
    keys = Keys([line_of("given", "givens")], str(file))
    assert [keys.name_of(key) for key in (b"sesame", b"bobs", b"newer", b"givens", b"other")] == [
        "alice", "bob", "alice", "given", None,
    ]  # fmt: skip


def test_an_empty_file_lets_nobody_in(tmp_path: Path) -> None:
    (tmp_path / "keys").touch()
    keys = Keys([], str(tmp_path / "keys"))
    assert keys.name_of(b"") is None
    assert keys.name_of(b"sesame") is None


@pytest.mark.parametrize(
    "text", ["sesame", "alice:sesame", f"{GOOD}0", GOOD[:-1], f"a b{GOOD}", f"{GOOD} # hers", ":" + "0" * 64, "é:1"]
)
def test_a_bad_line_is_told_by_its_number_and_without_its_text(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{GOOD}\n{text}\n")
    told = f"the file of keys {file}, line 2: not NAME:HASH, as `mserve key NAME` gives it"
    with pytest.raises(StartupError, match=f"^{re.escape(told)}$"):
        Keys([], str(file))
    with pytest.raises(StartupError, match=r"^the keys that were given, line 2: not NAME:HASH"):
        Keys([GOOD, text], None)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"#" * (1024 * 1024 + 1))
    reasons = {
        "missing": "cannot be read: No such file or directory",
        "pipe": "is no regular file",
        ".": "is no regular file",
        "large": "is larger than 1048576 bytes",
    }
    for name, reason in reasons.items():
        with pytest.raises(StartupError, match=f"{reason}$"):
            Keys([], str(tmp_path / name))


@pytest.mark.usefixtures("at_once")
def test_a_file_is_read_again_when_it_changes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mserve")
    file = tmp_path / "keys"
    file.write_text(GOOD)
    keys = Keys([line_of("given", "givens")], str(file))
    before = file.stat()
    file.write_text(line_of("carol", "sesam!"))  # of the same size and, by its own word, of the same time
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert keys.name_of(b"sesame") is None
    assert keys.name_of(b"sesam!") == "carol"
    (tmp_path / "next").write_text(GOOD)
    (tmp_path / "next").rename(file)
    assert keys.name_of(b"sesame") == "alice"
    file.write_text("")
    assert keys.name_of(b"sesame") is None
    assert keys.name_of(b"givens") == "given"
    assert [record.getMessage() for record in caplog.records] == [
        f"the keys were read again: {file} has {count}" for count in (1, 1, 0)
    ]


@pytest.mark.usefixtures("at_once")
def test_a_file_that_breaks_keeps_the_last_keys_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "keys"
    file.write_text(GOOD)
    keys = Keys([], str(file))
    file.unlink()
    for _ in range(3):
        assert keys.name_of(b"sesame") == "alice"
    file.write_text(f"{line_of('bob', 'bobs')}\nsecret-key-of-somebody\n")
    for _ in range(3):
        assert (keys.name_of(b"sesame"), keys.name_of(b"bobs")) == ("alice", None)
    rest = "; the keys that were read before still count"
    assert [record.getMessage() for record in caplog.records] == [
        f"the file of keys {file} cannot be read: No such file or directory{rest}",
        f"the file of keys {file}, line 2: not NAME:HASH, as `mserve key NAME` gives it{rest}",
    ]
    file.write_text(GOOD)  # what counted all the while
    caplog.set_level(logging.INFO, "mserve")
    assert keys.name_of(b"sesame") == "alice"
    file.unlink()
    keys.name_of(b"sesame")
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR", "INFO", "ERROR"]


@pytest.mark.usefixtures("at_once")
def test_a_text_that_has_not_changed_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[bytes] = []
    parse = module._read_text

    def counted(text: bytes, file: Path) -> tuple[module.Key, ...]:
        parsed.append(text)
        return parse(text, file)

    monkeypatch.setattr(module, "_read_text", counted)
    file = tmp_path / "keys"
    file.write_text(GOOD)
    keys = Keys([], str(file))
    texts = [GOOD, "no key", GOOD, "no key"]
    for text in texts:
        file.write_text(text)
        for _ in range(3):
            assert keys.name_of(b"sesame") == "alice"
    assert parsed == [text.encode() for text in texts]


@pytest.mark.usefixtures("at_once")
def test_a_file_that_comes_back_as_it_was_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mserve")
    file = tmp_path / "keys"
    file.write_text(GOOD)
    keys = Keys([], str(file))
    for _ in range(2):
        file.rename(tmp_path / "away")
        assert keys.name_of(b"sesame") == "alice"
        (tmp_path / "away").rename(file)
        assert keys.name_of(b"sesame") == "alice"
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"] * 2


def test_the_file_is_looked_at_once_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "keys"
    file.write_text(GOOD)
    monkeypatch.setattr(module, "_LOOK", 0.3)
    keys = Keys([], str(file))
    file.write_text("")
    assert keys.name_of(b"sesame") == "alice"
    time.sleep(0.35)
    assert keys.name_of(b"sesame") is None


def test_a_server_changes_its_keys_while_it_runs(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(line_of("old", "old-key"))
    server = serve("def serve(caller):\n    return caller\n", flags=("--api-key-file", str(file)))

    def caller(key: str) -> str:
        body = {"messages": [{"role": "user", "content": "x"}]}
        reply = httpx.post(f"{server.base_url}/chat/completions", json=body, headers={"x-api-key": key})
        return str(reply.json()["choices"][0]["message"]["content"]) if reply.is_success else str(reply.status_code)

    assert (caller("old-key"), caller("new-key")) == ("old", "401")
    file.write_text("new:no-hash\n")
    time.sleep(1.1)
    assert (caller("old-key"), caller("new-key")) == ("old", "401")
    server.wait_for("line 1: not NAME:HASH")
    file.write_text(f"{line_of('new', 'new-key')}\n")
    time.sleep(1.1)
    assert (caller("old-key"), caller("new-key")) == ("401", "new")
    assert "old-key" not in server.output
    assert "new-key" not in server.output
    assert server.output.count("still count") == 1
