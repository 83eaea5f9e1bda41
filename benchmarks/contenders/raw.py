"""The limit: a socket of uvloop's that speaks just enough HTTP. No keys, no limits, no metrics, no logs.

It gathers as mserve does: the first token goes out at once, later ones within a millisecond, each its own frame.
"""

import asyncio
import sys
from typing import Any, cast

import msgspec
import uvloop
from program import serve

GATHER = 0.001
MOST = 256
"""Tokens that are gathered at most, as in mserve."""

_HEAD = b'{"id":"chatcmpl-0123456789abcdef0123456789abcdef","object":"%b","created":1700000000,"model":"bench",'
_CHUNK = b"data: " + _HEAD % b"chat.completion.chunk"
_BEFORE = _CHUNK + b'"choices":[{"index":0,"delta":{"content":'
_AFTER = b'},"finish_reason":null}]}\n\n'
_ROLE = _CHUNK + b'"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n'
_END = _CHUNK + b'"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
_STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
_REPLY = (
    _HEAD % b"chat.completion" + b'"choices":[{"index":0,"message":{"role":"assistant","content":%b},'
    b'"finish_reason":"stop"}]}'
)


class Message(msgspec.Struct):
    """What is read of a message."""

    content: str | None = None


class Asked(msgspec.Struct):
    """What is read of a request."""

    messages: list[Message]
    stream: bool = False


_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(Asked).decode


class Connection(asyncio.Protocol):
    """One client, and one request of it at a time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._read = b""
        self._frames: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._answering: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer, once the request is whole."""
        data = self._read + data
        head, blank, body = data.partition(b"\r\n\r\n")
        if blank and len(body) >= int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]):
            self._read = b""
            asked = _decode(body)
            answer = self._stream if asked.stream else self._whole
            self._answering = self._loop.create_task(answer(asked.messages[-1].content or ""))
        else:
            self._read = data

    def connection_lost(self, _exc: Exception | None) -> None:
        """End the program."""
        if self._answering is not None:
            self._answering.cancel()
        if self._timer is not None:
            self._timer.cancel()

    def pause_writing(self) -> None:
        """Let the program wait."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """Let it go on."""
        self._may_write.set()

    async def _whole(self, prompt: str) -> None:
        reply = _REPLY % _encode("".join([word async for word in serve(prompt)]))
        self._transport.write(_WHOLE % (len(reply), reply))

    async def _stream(self, prompt: str) -> None:
        words, frames = serve(prompt), self._frames
        first = _ROLE + _BEFORE + _encode(await anext(words)) + _AFTER
        self._transport.write(_STREAM + b"%x\r\n%b\r\n" % (len(first), first))
        async for word in words:
            frames.append(_BEFORE + _encode(word) + _AFTER)
            if self._timer is None:
                self._timer = self._loop.call_later(GATHER, self._flush)
            elif len(frames) >= MOST:
                self._flush()
                await self._may_write.wait()
        frames.append(_END)
        self._flush(b"0\r\n\r\n")

    def _flush(self, end: bytes = b"") -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        data = b"".join(self._frames)
        self._frames.clear()
        self._transport.write(b"%x\r\n%b\r\n%b" % (len(data), data, end))


async def main(port: int) -> Any:
    """Serve until somebody ends it."""
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
