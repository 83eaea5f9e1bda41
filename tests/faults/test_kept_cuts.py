"""A stream that is cut at any of its events, by its client or by what is in between, goes on where it was."""

import asyncio
import re
import socket
from collections.abc import Iterable
from contextlib import suppress
from itertools import starmap
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx
import pytest

from faults.resuming import LIMIT, RESET, Served, Stream, asked, clients, uninterrupted
from processes import ServerProcess
from share import SHARE

PAUSE = 0.01


@pytest.fixture
def server(served: Served) -> ServerProcess:
    return served.start()


HOW = ("closed", "reset")


def cuts(numbers: Iterable[int]) -> list[tuple[int, str]]:
    """Give where to cut, and how: both ways, or in a share of all that in turn."""
    return [(at, how) for at in numbers for how in (HOW if SHARE == 1 else HOW[at % 2 :][:1])]


async def test_a_client_that_hangs_up_behind_any_event_resumes_behind_it(server: ServerProcess) -> None:
    url = server.base_url
    async with clients() as client:
        whole = await uninterrupted(client, url)
        assert len(whole) > 40

        async def cut(at: int, how: str) -> Stream:
            stream = Stream(client, url)
            await stream.ask(asked(at, PAUSE), until=at, reset=how == "reset")
            await stream.resume(until=min(at + 3, len(whole)), reset=how == "reset")  # and once more
            await stream.finish()
            return stream

        streams = await asyncio.gather(*starmap(cut, cuts(range(1, len(whole) + 1))))
        assert [stream.bare for stream in streams] == [whole] * len(streams)
        await assert_each_is_kept(streams, url)


async def test_a_stream_that_a_proxy_cuts_behind_or_within_any_event_is_resumed(server: ServerProcess) -> None:
    url = server.base_url
    async with clients() as client, Proxy(server) as proxy:
        whole = await uninterrupted(client, url)
        cuttable = len(whole) - 1

        async def cut(at: int, how: str) -> Stream:
            stream = Stream(client, proxy.url)
            with pytest.raises(httpx.TransportError):
                await stream.ask(asked(at, PAUSE), headers={"X-Cut": f"{at} {how}"})
            assert len(stream.frames) == at + 1 if how == "closed" else 0 < len(stream.frames) <= at + 1
            if at + 3 < cuttable:
                with pytest.raises(httpx.TransportError):
                    await stream.resume(headers={"X-Cut": f"{at + 3} {how}"})
            await stream.finish()
            return stream

        streams = await asyncio.gather(*starmap(cut, cuts(range(cuttable))))
        assert [stream.bare for stream in streams] == [whole] * len(streams)
        assert proxy.cuts == len(streams) + len(cuts(range(cuttable - 3)))
        await assert_each_is_kept(streams, url)


async def assert_each_is_kept(streams: list[Stream], url: str) -> None:
    """Who reads them again from the beginning gets the same bytes."""
    again = [stream.cut_at(1, url) for stream in streams]
    await asyncio.gather(*(stream.finish() for stream in again))
    assert [stream.frames for stream in again] == [stream.frames for stream in streams]


class Proxy:
    """Carries bytes to a server and back, and drops a connection behind the event that its `X-Cut` names: either closes
    it there, or resets it in the middle of the next one, if there is one already."""

    def __init__(self, server: ServerProcess) -> None:
        self._to = urlsplit(server.base_url)
        self._carrying = list[asyncio.Future[None]]()
        self.cuts = 0
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=2**20)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}{self._to.path}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.close()
        async with asyncio.timeout(LIMIT):
            await asyncio.gather(*self._carrying)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._carrying.append(asyncio.ensure_future(self._carry(reader, writer)))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        found = re.search(rb"x-cut: (\d+) (\w+)\r\n", head, re.IGNORECASE)
        upstream, to = await asyncio.open_connection(self._to.hostname, self._to.port)
        to.write(head)
        asking = asyncio.create_task(_pump(reader, to))
        if found is None:
            await _pump(upstream, writer)
        elif await _until(upstream, writer, int(found[1]), beyond=30 if found[2] == b"reset" else 0):
            self.cuts += 1
            if found[2] == b"reset":
                await asyncio.sleep(0.02)  # what arrives with a reset may be lost
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.close()
            to.close()
        await asking


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    writer.close()


async def _until(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int, *, beyond: int) -> bool:
    """Carry all up to the end of the event of a number, and a little of what came with it; tell whether it came."""
    carried, sent = b"", 0
    while piece := await reader.read(65536):
        carried += piece
        at = carried.find(b"\nid: %d\n" % number)
        end = -1 if at < 0 else carried.find(b"\n\n", at)
        writer.write(carried[sent:] if end < 0 else carried[sent : end + 2 + beyond])
        await writer.drain()
        sent = len(carried)
        if end >= 0:
            return True
    return False
