"""Loads a GGUF file into this process and serves it on loopback, for as long as somebody uses it."""

import asyncio
import os
import secrets
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from mserve.errors import LocalModelError

from .fetch import Progress, fetch, silent
from .models import DEFAULT

_THREADS = max(1, min(4, (os.cpu_count() or 1) // 2))
"""llama.cpp's threads spin for each other: where others use the same cores, one a core is twenty times slower."""


class LocalModel(Struct, frozen=True):
    """A model that answers on loopback: what any OpenAI client is given to reach it."""

    name: str
    base_url: str
    api_key: str


@asynccontextmanager
async def serving(
    path: str | Path | None = None, *, context: int = 4096, parallel: int = 4, progress: Progress | None = None
) -> AsyncIterator[LocalModel]:
    """Serve the GGUF file at `path`, or the packaged model, until the block is left.

    `context` is in tokens, for each of the `parallel` requests that are answered at once. `progress` is told, from
    another thread, of what a first use has to download. Raises `LocalModelError`.
    """
    key = secrets.token_urlsafe(16)  # loopback is open to every user and every page of this machine
    report, left = progress or silent, threading.Event()

    def told(what: str, done: int, total: int) -> None:
        if left.is_set():
            raise LocalModelError("nobody waits for the model any more")
        report(what, done, total)

    held: list[Any] = []  # the one reference to llama.cpp's server: dropping it stops its threads and waits for them
    try:
        yield await asyncio.to_thread(_load, held, path, key, context=context, parallel=parallel, progress=told)
    finally:
        left.set()
        await asyncio.to_thread(held.clear)


def _load(
    held: list[Any], path: str | Path | None, key: str, *, context: int, parallel: int, progress: Progress
) -> LocalModel:
    llama = _llama()
    file = Path(path).expanduser() if path is not None else fetch(DEFAULT, progress)
    if not file.is_file():
        raise LocalModelError(f"{file}: there is no such model file; name a GGUF file")
    name = DEFAULT.name if path is None else file.stem
    params = llama.CommonParams()
    params.model.path = str(file)
    params.model_alias = {name}
    params.api_keys = [key]
    params.n_ctx = context * parallel
    params.n_parallel = parallel
    params.cpuparams.n_threads = _THREADS
    params.sampling.temp = 0.0  # a client that asks for none gets the same answer each time: demos and tests want that
    params.verbosity = -1  # its log is for those who debug llama.cpp
    params.ui = False
    try:
        held.append(llama.Server(params))
    except Exception as error:  # llama.cpp's bindings raise no type of their own
        advice = "delete it, and try again" if path is None else "name a GGUF file that it knows"
        raise LocalModelError(f"{file}: llama.cpp cannot load it ({str(error).rstrip('.')}); {advice}") from error
    return LocalModel(name, f"{held[0].listening_address}/v1", key)


def _llama() -> Any:
    try:
        import xllamacpp  # noqa: PLC0415  # an extra: only who serves a local model needs it
    except ImportError as error:
        raise LocalModelError(
            "the embedded model needs the package xllamacpp: pip install 'mserve[local]' "
            "(its wheels are for Linux, macOS on ARM, and Windows; elsewhere, use another backend)"
        ) from error
    return xllamacpp
