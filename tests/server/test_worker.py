"""Serving from Python: `run` in a process of its own, `serve_async` on a loop that already runs, and their ends."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

import mserve
from mserve.errors import StartupError
from mserve.server.config import Settings
from mserve.server.worker import Worker
from processes import Serve, ServerProcess

LIMIT = 10.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


async def program(prompt: str, state: object) -> AsyncIterator[str]:
    yield f"{prompt} {state}"


async def answer(base_url: str) -> str:
    body = {"messages": [{"role": "user", "content": "hi"}]}
    async with httpx.AsyncClient() as client:
        for _ in range(200):
            try:
                reply = await client.post(f"{base_url}/chat/completions", json=body)
            except httpx.ConnectError:
                await asyncio.sleep(0.02)
            else:
                text: str = reply.json()["choices"][0]["message"]["content"]
                return text
    raise AssertionError("the server never answered")


async def test_serve_async_serves_on_a_running_loop_until_it_is_cancelled() -> None:
    closed = asyncio.Event()

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[str]:
        yield "shared"
        closed.set()

    port = free_port()
    serving = asyncio.create_task(mserve.serve_async(program, port=port, lifespan=lifespan))
    async with asyncio.timeout(LIMIT):
        assert await answer(f"http://127.0.0.1:{port}/v1") == "hi shared"
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        await closed.wait()
    assert free_to_bind(port)


def free_to_bind(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
    return True


def test_run_serves_until_a_signal_and_returns(tmp_path: Path) -> None:
    port = free_port()
    script = tmp_path / "script.py"
    script.write_text(
        "import mserve\n"
        "async def hello(prompt):\n    yield prompt\n"
        f"mserve.run(hello, port={port}, settings=None)\n"
        "print('returned', flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    assert asyncio.run(answer(f"http://127.0.0.1:{port}/v1")) == "hi"
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=LIMIT)
    assert "returned" in output
    assert process.returncode == 0


def test_a_host_of_its_own_may_open_as_many_files_as_before(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import asyncio, resource\n"
        "import mserve\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (500, 2000))\n"
        "def hello(prompt):\n    return prompt\n"
        "async def main():\n"
        "    serving = asyncio.create_task(mserve.serve_async(hello, port=0))\n"
        "    await asyncio.sleep(1)\n"
        "    serving.cancel()\n"
        "    await asyncio.wait([serving])\n"
        "asyncio.run(main())\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=30, check=True)
    assert (done.stdout, done.stderr) == ("(500, 2000)\n", "")


async def test_a_lifespan_that_fails_is_a_startup_error_and_leaves_no_socket() -> None:
    @asynccontextmanager
    async def lifespan() -> AsyncIterator[str]:
        raise ValueError("no database")
        yield

    port = free_port()
    with pytest.raises(StartupError, match="no database"):
        await mserve.serve_async(program, port=port, lifespan=lifespan)
    assert free_to_bind(port)


async def test_a_unix_socket_that_cannot_be_made_is_a_startup_error(tmp_path: Path) -> None:
    closed: list[str] = []

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        yield
        closed.append("closed")

    settings = Settings(uds=str(tmp_path / "missing" / "socket"))
    with pytest.raises(StartupError, match="missing"):
        await mserve.serve_async(program, lifespan=lifespan, settings=settings)
    assert closed == []  # what is shared is opened where it can be reached


async def test_a_server_is_told_to_end_by_should_exit() -> None:
    urls: list[str] = []
    settings = Settings(port=0, log_level="error")
    worker = Worker(mserve.create_app(program, options=settings.options()), settings, urls.append)
    serving = asyncio.create_task(worker.serve())
    async with asyncio.timeout(LIMIT):
        while not urls:
            await asyncio.sleep(0.01)
        assert await answer(urls[0]) == "hi None"
        worker.should_exit = True
        await serving


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_the_lifespan_opens_ends_the_start(tmp_path: Path, how: signal.Signals) -> None:
    file = tmp_path / "slow.py"
    file.write_text(
        "import asyncio, contextlib\n"
        "@contextlib.asynccontextmanager\n"
        "async def lifespan():\n"
        "    print('opening', flush=True)\n"
        "    try:\n        await asyncio.sleep(60)\n"
        "    finally:\n        print('given up', flush=True)\n"
        "    yield\n"
        "def serve():\n    return 'a'\n"
    )
    server = ServerProcess(str(file))
    server.wait_for("opening", LIMIT)
    started = time.monotonic()
    assert server.stop(how) == 0
    assert time.monotonic() - started < 3
    assert "given up" in server.output
    assert "Serving" not in server.output


async def test_a_start_that_is_cancelled_closes_what_it_opened() -> None:
    noted: list[str] = []

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        noted.append("open")
        try:
            await asyncio.sleep(60)
            yield
        finally:
            noted.append("closed")

    serving = asyncio.create_task(mserve.serve_async(program, port=0, lifespan=lifespan))
    async with asyncio.timeout(LIMIT):
        while not noted:
            await asyncio.sleep(0.01)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
    assert noted == ["open", "closed"]


def test_a_sync_program_that_blocks_does_not_hold_the_end(serve: Serve) -> None:
    source = "import time\ndef serve():\n    print('open', flush=True)\n    time.sleep(30)\n    return 'a'\n"
    server = serve(source, flags=("--shutdown-timeout", "1"))
    body = {"messages": [{"role": "user", "content": "x"}], "stream": True}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{server.base_url}/chat/completions", json=body, timeout=1)
    server.wait_for("open")
    started = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - started < 4


@pytest.mark.parametrize("stream", [True, False])
def test_who_waits_for_a_program_that_blocks_hears_an_error(serve: Serve, stream: bool) -> None:
    source = "import time\ndef serve():\n    print('open', flush=True)\n    time.sleep(30)\n    return 'a'\n"
    server = serve(source, flags=("--shutdown-timeout", "1"))
    with ThreadPoolExecutor() as pool:
        body = STREAM | {"stream": stream}
        waiting = pool.submit(httpx.post, f"{server.base_url}/chat/completions", json=body, timeout=LIMIT)
        server.wait_for("open")
        assert server.stop() == 0
        reply = waiting.result()
    assert reply.status_code == 503
    assert reply.json()["error"]["code"] == "cancelled"
    assert "left behind" in server.output
    assert "Traceback" not in server.output


def test_a_second_signal_does_not_wait(serve: Serve) -> None:
    server = serve("import asyncio\nasync def serve():\n    yield 'a'\n    await asyncio.sleep(60)\n")
    with httpx.stream("POST", f"{server.base_url}/chat/completions", json=STREAM, timeout=LIMIT) as reply:
        lines = reply.iter_lines()
        next(lines)
        os.kill(server.pid, signal.SIGINT)
        server.wait_for("ending: open requests get 5 s")
        started = time.monotonic()
        assert server.stop(signal.SIGINT) == 0
        assert time.monotonic() - started < 3
        assert list(lines)[-2:] == ["data: [DONE]", ""]


STREAM = {"messages": [{"role": "user", "content": "x"}], "stream": True}


def last_frames(server: ServerProcess, how: signal.Signals) -> list[str]:
    """Open a stream, signal the server after its first frame, and give the last two frames."""
    with httpx.stream("POST", f"{server.base_url}/chat/completions", json=STREAM, timeout=LIMIT) as reply:
        lines = reply.iter_lines()
        frames = [next(lines)]
        os.kill(server.pid, how)
        frames += [line for line in lines if line]
    return frames[-2:]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stream_that_does_not_end_in_time_is_ended_with_an_error_that_its_client_hears(
    serve: Serve, how: signal.Signals
) -> None:
    source = "import asyncio\nasync def serve():\n    yield 'a'\n    await asyncio.sleep(60)\n"
    server = serve(source, flags=("--shutdown-timeout", "1"))
    started = time.monotonic()
    error, done = last_frames(server, how)
    assert '"code":"cancelled"' in error
    assert done == "data: [DONE]"
    assert server.stop(how) == 0
    assert time.monotonic() - started < 5
    assert "Traceback" not in server.output


def test_a_stream_that_ends_in_time_is_whole(serve: Serve) -> None:
    server = serve("import asyncio\nasync def serve():\n    yield 'a'\n    await asyncio.sleep(0.7)\n    yield 'b'\n")
    finish, done = last_frames(server, signal.SIGTERM)
    assert '"finish_reason":"stop"' in finish
    assert done == "data: [DONE]"
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("error", "told"),
    [("ValueError('the pool is gone')", "ValueError: the pool is gone"), ("SystemExit(7)", "SystemExit: 7")],
)
def test_a_lifespan_that_fails_while_it_is_closed_is_told(serve: Serve, error: str, told: str) -> None:
    source = (
        "import contextlib\n"
        "@contextlib.asynccontextmanager\n"
        f"async def lifespan():\n    yield\n    raise {error}\n"
        "async def serve():\n    yield 'a'\n"
    )
    server = serve(source)
    assert server.stop() == 1
    assert re.search(f"mserve: a lifespan failed while it was closed: .*{told}", server.output)


def test_a_task_of_a_program_that_wants_to_end_all_ends_itself(serve: Serve) -> None:
    server = serve(
        "import asyncio\nTASKS = []\n"
        "async def leave():\n    raise SystemExit(7)\n"
        "async def serve():\n    TASKS.append(asyncio.create_task(leave()))\n"
        "    await asyncio.sleep(0.1)\n    yield 'on'\n"
    )
    reply = httpx.post(f"{server.base_url}/chat/completions", json={"messages": [{"role": "user", "content": "x"}]})
    assert reply.json()["choices"][0]["message"]["content"] == "on"
    assert "SystemExit in a task of a program has ended the task alone" in server.output
    assert server.stop() == 0


def test_what_ends_the_server_itself_is_nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    worker = Worker(mserve.create_app(lambda: "a"), mserve.Settings(port=0))
    monkeypatch.setattr(worker, "serve", interrupted)
    with pytest.raises(KeyboardInterrupt):
        worker.run_forever()


async def test_settings_say_where_to_serve_unless_the_call_does() -> None:
    urls = [f"http://127.0.0.1:{free_port()}/v1" for _ in range(2)]
    ports = [int(url.split(":")[2].split("/")[0]) for url in urls]
    settings = mserve.Settings(port=ports[0], log_level="error")
    for url, port in zip(urls, (None, ports[1]), strict=True):
        serving = asyncio.create_task(mserve.serve_async(program, port=port, settings=settings))
        async with asyncio.timeout(LIMIT):
            assert await answer(url) == "hi None"
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
