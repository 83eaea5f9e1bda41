"""Judges the answers to one request: at once where that is cheap, in a process of its own where it may not be."""

import asyncio
import os
from typing import Any

import msgspec

from mserve.errors import ClientError

from .apart import Question, Verdict, judge, judge_apart
from .cost import Cost, cost_of
from .rules import fits

_CHEAP = 1_000_000
"""Steps that the event loop may be held for: a tenth of a second, where all of them are really made."""
_PARAM = "response_format.json_schema.schema"
_SHAPES: dict[str, Any] = {"json_object": {"type": "object"}, "json_schema": True}
"""What each type of `response_format` asks for by itself."""


class Judge:
    """Judges by one schema."""

    def __init__(self, schema: bytes, cost: Cost, bench: "Bench") -> None:
        self._schema = schema
        self._cost = cost
        self._bench = bench

    async def __call__(self, text: str) -> str | None:
        """Say what is wrong with an answer, in words for its client; None where nothing is."""
        if self._cost.judging(len(text)) <= _CHEAP and fits(self._schema, text):
            return None
        cheap = self._cost.judging_aloud(len(text)) <= _CHEAP
        try:
            verdict = await self._bench.ask(Question(self._schema, text), cheap=cheap)
        except TimeoutError:
            return "The program's answer could not be compared with the schema that was asked for, in time."
        return verdict.wrong and f"The program's answer is not the JSON that was asked for: {verdict.wrong}."


class Bench:
    """Where judges sit: as many at once as the machine has processors, each for so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._seats = asyncio.Semaphore(os.cpu_count() or 1)

    async def judge_of(self, response_format: dict[str, Any] | None, *, judged: bool) -> Judge | None:
        """Give the judge of what a client asked for, None for plain text; `ClientError` for a schema that is none.

        None, too, where answers are not `judged`; the schema is, all the same.
        """
        wanted = response_format or {}
        if wanted.get("type") not in _SHAPES:
            return None
        asked = (wanted.get("json_schema") or {}).get("schema")
        rules = _SHAPES[wanted["type"]] if asked is None else asked
        schema = msgspec.json.encode(rules)
        cost = cost_of(rules, len(schema))
        try:
            verdict = await self.ask(Question(schema, None), cheap=cost.compiling <= _CHEAP)
        except TimeoutError as error:
            raise ClientError(f"{_PARAM}: it takes too long to be read.", param=_PARAM) from error
        if verdict.wrong is not None:
            raise ClientError(f"{_PARAM}: this is no valid JSON schema: {verdict.wrong}.", param=_PARAM)
        return Judge(schema, cost, self) if judged else None

    async def ask(self, question: Question, *, cheap: bool) -> Verdict:
        """Answer a question; `TimeoutError` where that takes too long."""
        if cheap:
            return judge(question)
        async with self._seats:
            return await judge_apart(question, self._seconds)
