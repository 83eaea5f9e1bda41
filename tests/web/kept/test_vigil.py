"""What outlives a process: its runs end, all that they said stays, and what is old or too much goes."""

import asyncio
import math
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from sqlalchemy import make_url

import mserve
from mserve.options import MIB, Options
from mserve.store.base import StoredRun, StoreError, Worker
from mserve.store.place import this_worker
from mserve.store.sql import SqlStore
from mserve.web.kept import vigil
from web.kept.asking import (
    LIMIT,
    Notes,
    Server,
    asked,
    chat,
    data_of,
    ended,
    followed,
    frames_of,
    in_background,
    make,
    read_until,
    refused,
    streaming,
    text_of,
    told,
    until,
)


def test_the_runs_of_a_killed_process_end_as_failed_and_keep_what_they_said(tmp_path: Path) -> None:
    with Server(tmp_path) as other, Server(tmp_path) as killed:
        name = in_background(killed.client, "gate never")
        talk = told(other.client.post("/conversations", json={}))["id"]
        silent = in_background(killed.client, "wait never", conversation=talk)
        keyed = chat("gate nowhere", stream=True)
        with (
            streaming(other.client, "GET", f"/responses/{name}", params={"stream": "true"}) as pieces,
            killed.client.stream("POST", "/chat/completions", json=keyed, headers={"Idempotency-Key": "k"}) as answer,
        ):
            seen = read_until(pieces, "before ")
            begun = read_until(answer.iter_text(), "before ")
            found = answer.headers["x-mserve-response-id"]
            until(lambda: text_of(told(other.client.get(f"/responses/{found}"))))
            killed.stop(signal.SIGKILL)
            seen += "".join(pieces)
        last = data_of(frames_of(seen)[-1])
        assert last["type"] == "response.failed"
        body = ended(other.client, name)
        assert body == last["response"]
        assert (body["status"], text_of(body), body["error"]["code"]) == ("failed", "before ", "server_error")
        assert body["error"]["message"] == "The server's process ended before the answer was whole."
        assert followed(other.client, name) == frames_of(seen)
        assert ended(other.client, silent)["status"] == "failed"
        assert told(other.client.get(f"/conversations/{talk}/items"))["data"] == []
        again = other.client.post("/chat/completions", json=keyed, headers={"Idempotency-Key": "k"}).text
        assert again.startswith(begun.replace(": ping\n\n", ""))
        assert '"code":"worker_died"' in again
        assert again.endswith("data: [DONE]\n\n")
        other.wait_for(r"run \w+ of program program has ended with its process")


def test_they_end_when_a_server_is_started_afterwards(tmp_path: Path) -> None:
    with Server(tmp_path) as killed:
        name = in_background(killed.client, "gate never")
        until(lambda: text_of(told(killed.client.get(f"/responses/{name}"))))
        killed.stop(signal.SIGKILL)
    with Server(tmp_path) as later:
        later.wait_for("has ended with its process")  # though nobody has asked it anything
        body = ended(later.client, name)
        assert (body["status"], text_of(body)) == ("failed", "before ")


def test_a_server_that_ends_ends_its_runs_and_they_are_written(tmp_path: Path) -> None:
    notes = Notes(tmp_path)
    with Server(tmp_path, "--shutdown-timeout", "0.3") as server:
        names = [in_background(server.client, prompt) for prompt in ("gate never", "wait never")]
        for prompt in ("gate never", "wait never"):
            notes.wait_for("begun", prompt)
        assert server.stop() == 0
        assert "Traceback" not in server.output
    for prompt in ("gate never", "wait never"):
        assert notes.noted("cancelled", prompt) == 1
    with Server(tmp_path) as later:
        bodies = [told(later.client.get(f"/responses/{name}")) for name in names]
        assert [(body["status"], text_of(body)) for body in bodies] == [("cancelled", "before "), ("cancelled", "")]
        assert "has ended with its process" not in later.output


def test_a_server_ends_though_somebody_follows_the_run_of_another(tmp_path: Path) -> None:
    notes = Notes(tmp_path)
    with Server(tmp_path) as runs, Server(tmp_path, "--shutdown-timeout", "0.3") as follows:
        name = in_background(runs.client, "gate elsewhere")
        with streaming(follows.client, "GET", f"/responses/{name}", params={"stream": "true"}) as pieces:
            seen = read_until(pieces, "before ")
            assert follows.stop() == 0
            with pytest.raises(httpx.RemoteProtocolError):
                list(pieces)
        assert "Traceback" not in follows.output
        notes.open("elsewhere")
        last = data_of(frames_of(seen)[-1])["sequence_number"]
        assert text_of(data_of(followed(runs.client, name, last)[-1])["response"]) == "before after"


def test_what_has_been_kept_for_long_enough_goes(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        old = make(server.client, "say it")
        talk = told(server.client.post("/conversations", json={}))["id"]
        active = in_background(server.client, "gate alive")
        until(lambda: make(server.client, "say it")["created_at"] > old["completed_at"] + 2)
        with Server(tmp_path, "--store-ttl", "1") as other:
            until(lambda: other.client.get(f"/conversations/{talk}").status_code == 404)
            assert refused(other.client.get(f"/responses/{old['id']}"), 404) == "not_found"
            assert told(other.client.get(f"/responses/{active}"))["status"] == "in_progress"
            Notes(tmp_path).open("alive")
            assert ended(other.client, active)["status"] == "completed"


async def test_what_is_too_much_goes_while_the_server_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vigil, "_LOOK", 0.02)
    monkeypatch.setattr(vigil, "_PRUNE", 2)
    end = asyncio.Event()

    async def program(prompt: str) -> AsyncIterator[str]:
        yield "x" * 300_000
        if prompt == "wait":
            await end.wait()

    app = mserve.create_app(program, options=Options(store=f"sqlite:///{tmp_path}/runs.db", store_size=MIB))
    host = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=host, base_url="http://host/v1", timeout=LIMIT) as client:
        active = told(await client.post("/responses", json=asked("wait", background=True)))["id"]
        names = [told(await client.post("/responses", json=asked("x")))["id"] for _ in range(8)]

        async def is_there(name: str) -> bool:
            return (await client.get(f"/responses/{name}")).status_code == 200

        async with asyncio.timeout(LIMIT):
            while await is_there(names[5]):
                await asyncio.sleep(0.02)
        assert [await is_there(name) for name in names] == [False] * 6 + [True] * 2
        assert await is_there(active)
        end.set()
    await app.close()


class Watched(SqlStore):
    """A store that may be away, and that notes for how long others may be silent."""

    def __init__(self, file: Path) -> None:
        super().__init__(make_url(f"sqlite:///{file}"))
        self.is_away = self.is_busy = False
        self.has_time = asyncio.Event()
        self.beats = 0
        self.silences: list[float] = []

    async def beat(self, worker: Worker) -> list[str]:
        if self.is_away:
            raise StoreError("it is away")
        self.beats += 1
        return await super().beat(worker)

    async def orphans(self, worker: Worker, silent: float) -> list[StoredRun]:
        self.silences.append(silent)
        return await super().orphans(worker, silent)

    async def prune(self, *, before: int | None = None, most_bytes: int | None = None) -> int:
        self.is_busy = True
        await self.has_time.wait()
        return await super().prune(before=before, most_bytes=most_bytes)


@pytest.fixture
async def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watched]:
    for name in ("_BEAT", "_LOOK"):
        monkeypatch.setattr(vigil, name, 0.01)
    store = Watched(tmp_path / "runs.db")
    await store.open()
    watch = vigil.Vigil(store, this_worker(), Options(), lambda _: None)
    await watch.begin()
    yield store
    await watch.end()
    await store.close()


async def _reach(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_process_says_that_it_lives_while_it_forgets_much(watched: Watched) -> None:
    await _reach(lambda: watched.is_busy)
    seen = watched.beats
    await _reach(lambda: watched.beats > seen + 3)


async def test_who_could_not_beat_itself_takes_nobody_for_dead_at_once(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that was away, or a machine that slept, made all of them silent."""
    watched.has_time.set()
    monkeypatch.setattr(vigil, "_SILENT", 1.0)
    monkeypatch.setattr(vigil, "_GAP", 0.5)
    await _reach(lambda: len(watched.silences) > 3)
    assert watched.silences[0] == math.inf
    await _reach(lambda: watched.silences[-1] == 1.0)
    watched.is_away = True
    await asyncio.sleep(0.6)
    seen = watched.beats
    watched.is_away = False
    await _reach(lambda: watched.beats > seen)
    watched.silences.clear()
    await _reach(lambda: bool(watched.silences))
    assert watched.silences[0] == math.inf
