"""Asks a server: for its models, and for answers as they come. Any server of this API, ours is one of them."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from httpx_sse import EventSource, SSEError

from mserve.errors import MserveError

from .chunks import Chunk, Models, read
from .clean import clean
from .refusals import ApiError, message_of, refused, unreached

_ADDRESS = re.compile(r"[\w.-]+:\d+(/.*)?")
_VERSION = re.compile(r".*/v\d\w*")
_HERE = ("localhost", "127.0.0.1", "::1")
_NOT_AN_API = "does not speak OpenAI's API"


def address(target: str) -> str | None:
    """Give the URL that is meant, None for what is none: a program."""
    if "://" in target:
        return target
    return f"http://{target}" if _ADDRESS.fullmatch(target) else None


class Api:
    """A server, and the connections to it. No method raises anything but `ApiError` for what a server does."""

    def __init__(self, url: str, key: str | None) -> None:
        """Take a base URL, with or without its version; `MserveError` for what is no URL, or no key."""
        try:
            self._url = httpx.URL(url.rstrip("/"))
            is_one = bool(self._url.host) and (self._url.port or 0) < 65536
        except (httpx.InvalidURL, ValueError):  # the latter of names in other scripts
            is_one = False
        if not is_one:
            raise MserveError(f"this is no URL: {clean(url)}")
        if self._url.scheme not in ("http", "https"):
            raise MserveError(f"a chat needs an http or https URL, or a program, not {clean(url)}")
        key = (key or "").strip()
        if not (key.isascii() and key.isprintable()):
            raise MserveError("the key has characters that no header can hold")
        self._client = _client(self._url, {"Authorization": f"Bearer {key}"} if key else {})

    @property
    def shown(self) -> str:
        """Where it is, without a password that its address may hold."""
        return clean(str(self._url.copy_with(userinfo=b"")))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def models(self) -> list[str]:
        """Name the models; none where the server has no list. Finds out about the version in the URL, too."""
        versioned = self._url.copy_with(path=self._url.path.rstrip("/") + "/v1")
        for url in [self._url] if _VERSION.fullmatch(self._url.path) else [versioned, self._url]:
            async with self._sent("GET", url, "/models") as response:
                if response.status_code == 404:
                    continue
                body = await self._read(response)
                self._url = url
                try:
                    return [model.id for model in read(body, Models).data]
                except ValueError as error:
                    raise ApiError(f"{self.shown} {_NOT_AN_API}") from error
        return []

    async def answer(self, request: dict[str, Any]) -> AsyncGenerator[Chunk, None]:
        """Ask, and give the answer as it comes. Whoever breaks off closes the connection."""
        request = {**request, "stream": True, "stream_options": {"include_usage": True}}
        ended = False
        async with self._sent("POST", self._url, "/chat/completions", request) as response:
            if response.status_code != 200:
                await self._read(response)
            async for event in EventSource(response).aiter_sse():
                if event.data == "[DONE]":
                    return
                chunk = self._chunk(event.data)
                ended = ended or any(choice.finish_reason for choice in chunk.choices)
                yield chunk
        if not ended:
            raise ApiError("the answer broke off before its end")

    def _chunk(self, data: str) -> Chunk:
        try:
            chunk = read(data, Chunk)
        except ValueError as error:
            raise ApiError(f"{self.shown} said what is no part of an answer") from error
        if chunk.error is not None:
            raise ApiError(clean(message_of(chunk.error)))
        return chunk

    @asynccontextmanager
    async def _sent(
        self, method: str, base: httpx.URL, path: str, body: dict[str, Any] | None = None
    ) -> AsyncIterator[httpx.Response]:
        url = base.copy_with(path=base.path.rstrip("/") + path)
        try:
            async with self._client.stream(method, url, json=body) as response:
                yield response
        except SSEError as error:
            raise ApiError(f"{self.shown} did not stream its answer") from error
        except httpx.TransportError as error:
            raise unreached(error, url) from error
        except httpx.DecodingError as error:
            raise ApiError(f"{self.shown} {_NOT_AN_API}") from error

    async def _read(self, response: httpx.Response) -> bytes:
        body = await response.aread()
        if response.status_code != 200:
            has_key = "authorization" in response.request.headers
            raise refused(response.status_code, body, response.headers, response.reason_phrase, has_key=has_key)
        return body


def _client(url: httpx.URL, headers: dict[str, str]) -> httpx.AsyncClient:
    """Make what connects, by the proxy of the environment: never to this machine, which a proxy takes for its own."""
    try:
        return httpx.AsyncClient(
            headers=headers,
            timeout=httpx.Timeout(None, connect=10),  # how long an answer may take is its server's to say
            verify=httpx.create_ssl_context() if url.scheme == "https" else False,
            trust_env=url.host not in _HERE,
        )
    except (ImportError, ValueError) as error:
        raise MserveError(clean(f"the proxy that the environment names cannot be used: {error}")) from error
