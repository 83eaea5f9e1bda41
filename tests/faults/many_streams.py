"""A client of many streams at once, on a core of its own: prints how they came, and how well it kept up itself.

python many_streams.py HOST PORT KEY STREAMS TOKENS
"""

import asyncio
import json
import os
import re
import sys
import time
from array import array
from statistics import quantiles
from typing import cast

import uvloop

_TOKEN = re.compile(rb'"content":"(\d+) "')
_TICK = 0.005
_RAMP = 2.0
"""Seconds over which the streams begin: their tokens shall not all fall due in one instant."""


class Stream(asyncio.Protocol):
    """One connection with one request. Notes when data came, and that the tokens are all there and in order."""

    def __init__(self, request: bytes, gaps: "array[float]") -> None:
        self._request = request
        self._gaps = gaps
        self._last = 0.0
        self._tail = b""
        self.tokens = 0
        self.is_whole = False
        self.began = self.first = 0.0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        self.began = time.monotonic()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        text = self._tail + data if self._tail else data
        end = text.rfind(b"\n") + 1
        text, self._tail = text[:end], text[end:]
        for token in _TOKEN.findall(text):
            if int(token) == self.tokens:  # a lost one, or one out of order, ends the counting
                self.tokens += 1
                if self._last:
                    self._gaps.append(now - self._last)
                else:
                    self.first = now - self.began
                self._last = now
        if b"data: [DONE]" in text:
            self.is_whole = True
            self._transport.close()

    def connection_lost(self, _exc: Exception | None) -> None:
        self.ended.set_result(None)


async def _keep_up(lags: "array[float]") -> None:
    while True:
        due = time.monotonic() + _TICK
        await asyncio.sleep(_TICK)
        lags.append(time.monotonic() - due)


async def main(host: str, port: int, key: str, count: int, tokens: int) -> None:
    body = json.dumps(
        {"model": "m", "messages": [{"role": "user", "content": "go"}], "stream": True, "tokens": tokens}
    ).encode()
    request = (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %b\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (key.encode(), len(body), body)
    )
    gaps, lags = array("d"), array("d")
    loop = asyncio.get_running_loop()
    watching = loop.create_task(_keep_up(lags))
    started = time.monotonic(), time.process_time()
    streams: list[Stream] = []
    for number in range(count):
        _, stream = await loop.create_connection(lambda: Stream(request, gaps), host, port)
        streams.append(stream)
        await asyncio.sleep(max(0.0, started[0] + _RAMP * number / count - time.monotonic()))
    await asyncio.gather(*(stream.ended for stream in streams))
    watching.cancel()
    print(
        json.dumps(
            {
                "whole": sum(stream.is_whole and stream.tokens == tokens for stream in streams),
                "tokens": sum(stream.tokens for stream in streams),
                "first": max(stream.first for stream in streams),
                "gap": _spread(gaps),
                "lag": _spread(lags),
                "busy": (time.process_time() - started[1]) / (time.monotonic() - started[0]),
            }
        )
    )


def _spread(values: "array[float]") -> dict[str, float]:
    cuts = quantiles(values, n=1000)
    return {"p50": cuts[499], "p99": cuts[989], "p999": cuts[998], "max": max(values)}


if __name__ == "__main__":
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    arguments = sys.argv[1:]
    uvloop.run(main(arguments[0], int(arguments[1]), arguments[2], int(arguments[3]), int(arguments[4])))
