"""Kept runs in other ASGI hosts, and of programs that do not end."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import mserve
from mserve.options import Options
from mserve.store.base import News, StoredRun, StoreError, Worker
from mserve.store.opening import open_store
from mserve.store.sql import SqlStore
from mserve.web.app import App
from mserve.web.kept import recorder, responses
from mserve.web.kept.vigil import Vigil
from web.kept.asking import LIMIT, asked, refused, rows, text_of, told


class Stubborn:
    """A program that goes on though it is cancelled, until it may end."""

    def __init__(self) -> None:
        self.end = asyncio.Event()

    async def serve(self) -> AsyncIterator[str]:
        yield "a"
        while not self.end.is_set():
            try:
                await self.end.wait()
            except asyncio.CancelledError:
                continue


@pytest.fixture
def program() -> Stubborn:
    return Stubborn()


@pytest.fixture
async def app(tmp_path: Path, program: Stubborn) -> AsyncIterator[App]:
    app = mserve.create_app(program.serve, options=Options(store=f"sqlite:///{tmp_path}/runs.db"))
    yield app
    program.end.set()
    await app.close()


@pytest.fixture
async def client(app: App) -> AsyncIterator[httpx.AsyncClient]:
    host = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=host, base_url="http://host/v1", timeout=LIMIT) as client:
        yield client


async def begun(client: httpx.AsyncClient) -> str:
    return str(told(await client.post("/responses", json=asked("x", background=True)))["id"])


async def test_who_cancels_a_program_that_does_not_end_waits_for_a_while(
    client: httpx.AsyncClient, program: Stubborn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(responses, "_PATIENCE", 0.2)
    name = await begun(client)
    while not told(await client.get(f"/responses/{name}"))["output"]:
        await asyncio.sleep(0.01)
    body = told(await client.post(f"/responses/{name}/cancel"))
    assert (body["status"], text_of(body)) == ("in_progress", "a")
    program.end.set()
    monkeypatch.undo()
    assert told(await client.post(f"/responses/{name}/cancel"))["status"] == "completed"  # it took its own time


async def test_who_deletes_the_answer_of_a_program_that_does_not_end_finds_it_no_more(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(responses, "_PATIENCE", 0.2)
    name = await begun(client)
    told(await client.delete(f"/responses/{name}"))
    assert refused(await client.get(f"/responses/{name}"), 404) == "not_found"


async def test_an_app_that_closes_writes_the_end_of_its_runs_before(
    app: App, client: httpx.AsyncClient, program: Stubborn, tmp_path: Path
) -> None:
    name = await begun(client)
    while not told(await client.get(f"/responses/{name}"))["output"]:
        await asyncio.sleep(0.01)
    program.end.set()
    await app.close()
    ((status,),) = rows(tmp_path, "SELECT status FROM mserve_runs WHERE key = ?", name[5:])
    assert status in ("completed", "cancelled")


async def test_what_a_run_says_once_it_was_given_up_is_let_go(
    app: App, client: httpx.AsyncClient, program: Stubborn, caplog: pytest.LogCaptureFixture
) -> None:
    name = await begun(client)
    while not told(await client.get(f"/responses/{name}"))["output"]:
        await asyncio.sleep(0.01)
    desk = await app._keeper.desk()
    kept = desk.recorders[name[5:]]
    kept._hear()  # it is about to be asked what it has, as while a transaction is under way
    kept.give_up()
    program.end.set()
    await desk.writer.flush()
    assert told(await client.get(f"/responses/{name}"))["status"] == "in_progress"
    assert [record for record in caplog.records if record.name == "mserve"] == []


async def test_nobody_waits_for_a_store_that_is_known_to_take_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(recorder, "_PATIENCE", 600)
    ends = {"first": asyncio.Event(), "second": asyncio.Event()}

    async def program(prompt: str) -> AsyncIterator[str]:
        yield "a"
        await ends[prompt].wait()

    app = mserve.create_app(program, options=Options(store=f"sqlite:///{tmp_path}/runs.db"))
    host = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=host, base_url="http://host/v1") as client, asyncio.timeout(LIMIT):
        told(await client.post("/responses", json=asked("first", background=True)))
        answering = asyncio.create_task(client.post("/responses", json=asked("second")))
        while len(rows(tmp_path, "SELECT run FROM mserve_batches")) < 2:
            await asyncio.sleep(0.01)
        for file in tmp_path.glob("runs.db*"):
            file.write_bytes(b"no database" * 5000)
        ends["first"].set()
        while "What runs say is kept in memory" not in caplog.text:
            await asyncio.sleep(0.01)
        ends["second"].set()
        assert text_of(told(await answering)) == "a"
    await app.close()


def scope_of(method: str, path: str, query: bytes = b"") -> dict[str, Any]:
    headers = [(b"content-type", b"application/json")]
    return {"type": "http", "method": method, "path": path, "headers": headers, "query_string": query}


async def never() -> Any:
    await asyncio.Event().wait()


@pytest.mark.parametrize("at", [0, 1, 2])
async def test_a_host_whose_send_raises_when_the_client_left_ends_a_followed_stream(
    app: App, client: httpx.AsyncClient, at: int
) -> None:
    name = await begun(client)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        if len(sent) == at:
            raise OSError("the client left")
        sent.append(message)

    async with asyncio.timeout(LIMIT):
        await app(scope_of("GET", f"/v1/responses/{name}", b"stream=true"), never, send)
    assert len(sent) == at
    assert followers() == 0


def followers() -> int:
    """Count the tasks that read kept runs, and are not about to end."""
    return sum("follower" in task.get_name() and not task.cancelling() for task in asyncio.all_tasks())


async def test_who_is_refused_a_stream_leaves_no_reader_behind(client: httpx.AsyncClient) -> None:
    name = await begun(client)
    answer = await client.get(f"/responses/{name}?stream=true", headers={"X-Mserve-Ping-Interval": "0"})
    refused(answer, 400, "x-mserve-ping-interval")
    assert followers() == 0


async def test_a_client_that_leaves_before_its_body_is_whole_makes_no_conversation(app: App, tmp_path: Path) -> None:
    messages = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    sent = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope_of("POST", "/v1/conversations"), receive, send)
    assert sent == []
    assert not (tmp_path / "runs.db").exists()


def run_of(key: str) -> StoredRun:
    return StoredRun(
        key=key, owner="", endpoint="/v1/responses", program="p", model="m", created=1, body=b"{}", worker="dead"
    )


async def test_a_host_that_cancels_a_request_while_its_run_is_noted_leaves_none_behind(
    app: App, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks, goes_on, is_kept = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(store: SqlStore, run: StoredRun) -> StoredRun:
        asks.set()
        await goes_on.wait()
        kept = await _begin(store, run)
        is_kept.set()
        return kept

    monkeypatch.setattr(SqlStore, "begin", slow)
    request = asyncio.create_task(client.post("/responses", json=asked("x"), headers={"Idempotency-Key": "1"}))
    await asks.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    desk = await app._keeper.desk()
    await desk.writer.flush()
    goes_on.set()
    async with asyncio.timeout(LIMIT):
        await is_kept.wait()
        while await desk.store.runs(10):
            await asyncio.sleep(0.01)


async def _commit_unheard(store: SqlStore, run: StoredRun) -> StoredRun:
    await _begin(store, run)
    raise StoreError("the connection was lost")


async def _lose(_store: SqlStore, key: str, _owner: str | None) -> bool:
    raise StoreError(f"{key} cannot be deleted")


_begin = SqlStore.begin


@pytest.mark.parametrize(
    ("method", "failing", "body", "status"),
    [
        ("begin", _commit_unheard, asked("x"), 503),
        ("delete", _lose, asked("x", previous_response_id="resp_gone"), 400),
    ],
)
async def test_a_key_is_free_again_that_stands_for_nothing(
    app: App,
    client: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    *,
    method: str,
    failing: Any,
    body: Any,
    status: int,
) -> None:
    """It used to stand for a run that nobody ran: who sent the request again waited for ever."""
    with monkeypatch.context() as fault:
        fault.setattr(SqlStore, method, failing)
        again = {"Idempotency-Key": "1"}
        assert (await client.post("/responses", json=body, headers=again)).status_code == status
    desk = await app._keeper.desk()
    await desk.writer.flush()
    assert await desk.store.runs(10) == []


async def test_a_dead_run_that_two_processes_find_ends_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/runs.db"
    stores = [open_store(url) for _ in range(2)]
    for store in stores:
        await store.open()
    vigils = [Vigil(store, Worker(name, "here", 1), Options(), print) for name, store in zip("ab", stores, strict=True)]
    run = run_of("one")
    await stores[0].begin(run)
    await asyncio.gather(*(vigil._bury(run) for vigil in vigils))
    await vigils[0]._bury(run)
    news = await stores[0].news(["one"])
    assert news == {"one": News(1, "failed", news["one"].ended)}
    await stores[0].delete("one", None)
    await vigils[0]._bury(run)
    assert await stores[0].news(["one"]) == {}
    for store in stores:
        await store.close()
