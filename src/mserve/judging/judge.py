"""Judges the answers to one request: at once where that is cheap, in a process of its own where it may not be."""

import asyncio
import os
from typing import Any

import msgspec

from mserve.errors import ClientError

from .apart import JudgeError, Question, Verdict, judge, judge_apart
from .cost import Cost, cost_of
from .rules import fits

_CHEAP = 1_000_000
"""Steps that the event loop may be held for: a tenth of a second, where all of them are really made."""
_SEATS = min(4, os.cpu_count() or 1)
_PARAM = "response_format.json_schema.schema"
_SHAPES: dict[str, Any] = {"json_object": {"type": "object"}, "json_schema": True}
"""What each type of `response_format` asks for by itself."""


class Judge:
    """Judges by one schema."""

    def __init__(self, schema: bytes, cost: Cost, bench: "Bench", *, judged: bool) -> None:
        self._schema = schema
        self._cost = cost
        self._bench = bench
        self._judged = judged
        self._reads_apart = cost.compiling > _CHEAP

    def read_now(self) -> None:
        """Refuse what is no schema, where that is cheap to tell: `ClientError`."""
        if not self._reads_apart:
            _refuse(judge(Question(self._schema, None)))

    async def read(self) -> None:
        """Refuse what is no schema, where that was left for later: `ClientError`."""
        if self._reads_apart:
            try:
                _refuse(await self._bench.ask(Question(self._schema, None)))
            except TimeoutError as error:
                raise ClientError(f"{_PARAM}: it takes too long to be read.", param=_PARAM) from error

    async def __call__(self, text: str) -> str | None:
        """Say what is wrong with an answer, in words for its client; None where nothing is, or nobody is to judge."""
        if not self._judged or (self._cost.judging(len(text)) <= _CHEAP and fits(self._schema, text)):
            return None
        question = Question(self._schema, text)
        try:
            cheap = self._cost.judging_aloud(len(text)) <= _CHEAP
            verdict = judge(question) if cheap else await self._bench.ask(question)
        except TimeoutError:
            return "The program's answer could not be compared with the schema that was asked for, in time."
        return verdict.wrong and f"The program's answer is not the JSON that was asked for: {verdict.wrong}."


class Bench:
    """Where judges sit: a few at once, each for so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._seats = asyncio.Semaphore(_SEATS)

    def judge_of(self, response_format: dict[str, Any] | None, *, judged: bool) -> Judge | None:
        """Give the judge of what a client asked for, None for plain text; `ClientError` for a schema that is none.

        A judge that is not to judge answers still judges the schema.
        """
        if response_format is None or response_format.get("type") not in _SHAPES:
            return None
        asked = (response_format.get("json_schema") or {}).get("schema")
        rules = _SHAPES[response_format["type"]] if asked is None else asked
        schema = msgspec.json.encode(rules)
        made = Judge(schema, cost_of(rules, len(schema)), self, judged=judged)
        made.read_now()
        return made

    async def ask(self, question: Question) -> Verdict:
        """Let a process answer; `TimeoutError` where that takes too long, `ClientError` where no seat comes free."""
        try:
            async with asyncio.timeout(self._seconds):
                await self._seats.acquire()
        except TimeoutError as error:
            raise ClientError("The server is busy judging other answers.", 503, "overloaded") from error
        try:
            return await judge_apart(question, self._seconds)
        except JudgeError as error:
            raise ClientError("The server failed to judge an answer.", 500, "internal_error") from error
        finally:
            self._seats.release()


def _refuse(verdict: Verdict) -> None:
    if verdict.wrong is not None:
        raise ClientError(f"{_PARAM}: this is no valid JSON schema: {verdict.wrong}.", param=_PARAM)
