"""Instructor asks the server at the given address for instances, and tells what it saw."""

import sys
from collections.abc import Iterable
from functools import partial
from typing import Any

from cases import Folder, Stop, Trip, error_of, tell
from instructor import Mode, from_openai
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel, Field

MODES = (Mode.TOOLS, Mode.JSON, Mode.JSON_SCHEMA)
PLAIN = OpenAI(base_url=sys.argv[1], api_key="none", max_retries=0)
ASYNC = AsyncOpenAI(base_url=sys.argv[1], api_key="none", max_retries=0)


class Impossible(BaseModel):
    """A plan that no answer of the program's fits."""

    city: str = Field(max_length=2)


def saying(text: str) -> dict[str, Any]:
    """Give the arguments of a question, asked once."""
    return {"model": "agent", "messages": [{"role": "user", "content": text}], "max_retries": 0}


def asked() -> Any:
    """Ask for instances in each mode, and have the reply beside them."""
    told = {}
    for mode in MODES:
        client = from_openai(PLAIN, mode=mode)
        trip, reply = client.chat.completions.create_with_completion(response_model=Trip, **saying("Please"))
        folder = client.chat.completions.create(response_model=Folder, **saying("Please"))
        usage = reply.usage and reply.usage.total_tokens
        told[mode.name] = {"values": [trip, folder], "reason": reply.choices[0].finish_reason, "usage": usage}
    return told


def growing() -> Any:
    """See an instance grow in each mode."""
    told = {}
    for mode in MODES:
        client = from_openai(PLAIN, mode=mode)
        grown = list(client.chat.completions.create_partial(response_model=Trip, **saying("Please")))
        told[mode.name] = [value.model_dump() for value in grown]
    return told


def iterable() -> Any:
    """Ask for a list of instances, streamed one by one."""
    client = from_openai(PLAIN, mode=Mode.TOOLS)
    many = client.chat.completions.create_iterable(response_model=Stop, **saying("Please"))
    return [type(many).__name__ != "list" and isinstance(many, Iterable), list(many)]


async def asked_async() -> Any:
    """Ask the async way, whole and growing."""
    told = {}
    for mode in MODES:
        client = from_openai(ASYNC, mode=mode)
        whole = await client.chat.completions.create(response_model=Trip, **saying("Please"))
        stream = client.chat.completions.create_partial(response_model=Trip, **saying("Please"))
        told[mode.name] = [whole, [value async for value in stream][-1].model_dump()]
    return told


def words() -> Any:
    """Ask for no instance at all."""
    client = from_openai(PLAIN)
    return client.chat.completions.create(response_model=None, **saying("Good morning")).choices[0].message.content


def misfit() -> Any:
    """Ask for what the answer does not fit: tried twice, and then told."""
    client = from_openai(PLAIN)
    return error_of(
        lambda: client.chat.completions.create(response_model=Impossible, **saying("Please") | {"max_retries": 1})
    )


def refused() -> Any:
    """Be refused, and meet a program that fails."""
    create = from_openai(PLAIN).chat.completions.create
    return [error_of(partial(create, response_model=Trip, **saying(text))) for text in ("refuse", "fail")]


def failed_amid() -> Any:
    """Meet a program that fails amid an instance that grows."""
    client = from_openai(PLAIN)
    return error_of(lambda: list(client.chat.completions.create_partial(response_model=Trip, **saying("fail"))))


tell(asked, growing, iterable, asked_async, words, misfit, refused, failed_amid)
