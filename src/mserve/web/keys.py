"""The keys that let callers in: named, known by their hashes alone, and read anew while the server runs."""

import hashlib
import logging
import re
import time
from collections.abc import Sequence
from hmac import compare_digest
from pathlib import Path

from msgspec import Struct

from mserve.errors import StartupError

log = logging.getLogger("mserve")

_LINE = re.compile(r"([A-Za-z0-9][A-Za-z0-9._@-]{0,63}):([0-9A-Fa-f]{64})")
_KEY = re.compile(r"[!-9;-~]{1,512}")
"""What every client can put into a header; no colon, which ends a name."""
_LONGEST = 512
_MOST = 1024 * 1024
"""Bytes of a file of keys."""
_LOOK = 1.0
"""Seconds between two looks at the file."""


class Key(Struct, frozen=True):
    """Somebody's key. Several may have one name: that is how a key is replaced before the old one goes."""

    name: str
    digest: bytes


def line_of(name: str, key: str) -> str:
    """Give the line that lets a key in, which may be stored as it is; `ValueError` for what is no name or no key."""
    line = f"{name}:{hashlib.sha256(key.encode(errors='replace')).hexdigest()}"
    if not _LINE.fullmatch(line):
        raise ValueError("a key's name has letters, digits and . _ @ -, at most 64 of them, a letter or digit first")
    if not _KEY.fullmatch(key):
        raise ValueError("a key has letters, digits and signs of ASCII, no blanks and no colon, at most 512 of them")
    return line


class Keys:
    """The keys of one server: those that were given, and those of a file, which may change."""

    def __init__(self, lines: Sequence[str], file: str | None) -> None:
        """Read all keys; `StartupError` for a line that is none, and for a file that cannot be read."""
        self._given = _read_lines(lines, "the keys that were given")
        self._file = Path(file) if file is not None else None
        self._text: bytes | None = None
        self._keys = self._given
        if self._file is not None:
            self._text = _text_of(self._file)
            self._keys += _read_text(self._text, self._file)
        self._next_look = time.monotonic() + _LOOK
        self._trouble = ""

    def name_of(self, key: bytes) -> str | None:
        """Give the name of a key, None for a stranger's. How long it takes tells nothing of the keys that there are."""
        self._look()
        # The hashing alone depends on the key that was shown, and a longer one than any of ours needs none.
        digest = hashlib.sha256(key[: _LONGEST + 1]).digest()
        names = [known.name for known in self._keys if compare_digest(known.digest, digest)]  # all of them, always
        return names[0] if names else None

    def _look(self) -> None:
        """Take what the file says by now, at most once a second; one that says nothing sensible changes nothing."""
        if self._file is None or (now := time.monotonic()) < self._next_look:
            return
        self._next_look = now + _LOOK
        before, self._text = self._text, None
        try:
            self._text = _text_of(self._file)
            if self._text == before:
                return
            keys = _read_text(self._text, self._file)
        except StartupError as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                log.error("%s; the keys that were read before still count", error)  # noqa: TRY400  # no traceback
            return
        self._trouble, self._keys = "", self._given + keys
        log.info("the keys were read again: %s has %d", self._file, len(keys))


def lines_in(file: str) -> tuple[str, ...]:
    """Give a file's keys, a line for each; `StartupError` as for a server's own."""
    path = Path(file)
    return tuple(f"{key.name}:{key.digest.hex()}" for key in _read_text(_text_of(path), path))


def _text_of(file: Path) -> bytes:
    """Read the file, whole: it is small. Its time of change would not tell two changes of one instant apart."""
    try:
        if file.exists() and not file.is_file():  # a pipe could be waited for for ever
            raise StartupError(f"the file of keys {file} is no regular file")
        with file.open("rb") as opened:
            text = opened.read(_MOST + 1)
    except OSError as error:
        raise StartupError(f"the file of keys {file} cannot be read: {error.strerror or error}") from error
    if len(text) > _MOST:
        raise StartupError(f"the file of keys {file} is larger than {_MOST} bytes")
    return text


def _read_text(text: bytes, file: Path) -> tuple[Key, ...]:
    # No line of it can hold anything but ASCII; an editor may have put a mark before the first.
    return _read_lines(text.decode("utf-8-sig", "replace").splitlines(), f"the file of keys {file}")


def _read_lines(lines: Sequence[str], where: str) -> tuple[Key, ...]:
    """Read keys; `StartupError` names a bad line by its number alone, since it may hold somebody's key."""
    keys: list[Key] = []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        found = _LINE.fullmatch(text)
        if found is None:
            raise StartupError(f"{where}, line {number}: not NAME:HASH, as `mserve key NAME` gives it")
        keys.append(Key(found[1], bytes.fromhex(found[2])))
    return tuple(keys)
