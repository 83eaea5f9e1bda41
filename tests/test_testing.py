import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from mserve.errors import ClientError, LoadError, StartupError
from mserve.events import Event, Failure, Finish, TextDelta, Usage
from mserve.testing import ask, ask_async

SHARED = """
import contextlib

log = []

@contextlib.asynccontextmanager
async def lifespan():
    log.append("open")
    yield "shared"
    log.append("closed")

async def serve(prompt, state, temperature=1):
    yield f"{prompt} {state} {temperature}"
"""


async def program(prompt: str, messages: list[Any]) -> AsyncIterator[Event | str]:
    yield f"{prompt}, "
    yield str(len(messages))
    yield Usage(1, 2)


def test_an_answer_holds_events_their_fold_and_the_frames_of_a_client() -> None:
    answer = ask(program, "hello")
    assert answer.events == [TextDelta("hello, "), TextDelta("1"), Usage(1, 2), Finish("stop")]
    assert (answer.text, answer.reply.usage, answer.failure) == ("hello, 1", Usage(1, 2), None)
    assert len(answer.frames) == 5
    assert b'"id":"chatcmpl-test"' in answer.frames[0]
    assert answer.frames[-1] == b"data: [DONE]\n\n"
    assert all(frame.endswith(b"\n\n") and frame.count(b"\n") == 2 for frame in answer.frames)


def test_fields_of_a_request_reach_the_program_and_messages_replace_the_question() -> None:
    messages = [{"role": "user", "content": "one"}, {"role": "user", "content": "two"}]
    assert ask(program, "not asked", messages=messages).text == "two, 2"


def test_usage_is_framed_when_asked_for() -> None:
    asked = ask(program, "x", stream_options={"include_usage": True})
    assert b'"usage"' in asked.frames[-2]


def test_a_lifespan_is_open_for_the_question_alone(tmp_path: Path) -> None:
    file = tmp_path / "shared.py"
    file.write_text(SHARED)
    assert ask(file, "hi", temperature=0).text == "hi shared 0"


async def test_it_can_be_awaited_on_a_running_loop() -> None:
    answers = await asyncio.gather(ask_async(program, "a"), ask_async(program, "b"))
    assert [answer.text for answer in answers] == ["a, 1", "b, 1"]


def test_each_choice_has_its_events_and_its_fold() -> None:
    answer = ask(program, "hi", n=3, stream_options={"include_usage": True})
    assert [choice.reply.text for choice in answer.choices] == ["hi, 1"] * 3
    assert answer.events == answer.choices[0].events == [TextDelta("hi, "), TextDelta("1"), Usage(1, 2), Finish("stop")]
    assert answer.reply == answer.choices[0].reply
    for number in range(3):
        assert sum(b'"index":%d' % number in frame for frame in answer.frames) == 4
    assert b'"total_tokens":9' in answer.frames[-2]


def test_the_first_choice_that_fails_is_the_failure_and_the_last_that_is_said() -> None:
    calls = 0

    async def fails_once() -> AsyncIterator[str]:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise ClientError("too many", 429)
        yield "a"
        await asyncio.Event().wait()

    answer = ask(fails_once, "x", n=3)
    assert answer.failure == Failure(429, "too many")
    assert answer.choices[1].events == [answer.failure]
    assert not any(isinstance(event, Finish) for choice in answer.choices for event in choice.events)
    assert b'"rate_limit_error"' in answer.frames[-2]


def test_an_answer_that_is_not_the_json_asked_for_is_a_failure() -> None:
    answer = ask(program, "x", response_format={"type": "json_object"})
    assert answer.failure is not None
    assert (answer.failure.status, answer.failure.code) == (502, "invalid_output")
    assert b'"invalid_output"' in answer.frames[-2]


def test_what_a_program_raises_is_what_a_client_is_told() -> None:
    def failing() -> str:
        raise RuntimeError("a secret")

    answer = ask(failing, "x")
    assert isinstance(answer.failure, Failure)
    assert "secret" not in answer.failure.message
    assert (answer.failure.status, answer.frames) == (500, [])


def test_what_a_program_raises_behind_its_first_word_is_a_frame() -> None:
    def failing() -> Iterator[str]:
        yield "a"
        raise RuntimeError("a secret")

    answer = ask(failing, "x")
    assert [b"error" in frame for frame in answer.frames] == [False, False, True, False]
    assert answer.frames[-1] == b"data: [DONE]\n\n"


def test_what_a_server_would_refuse_is_raised(tmp_path: Path) -> None:
    for fields in ({"temperature": "hot"}, {"n": 17}, {"logprobs": True}):
        with pytest.raises(ClientError):
            ask(program, "x", **fields)
    with pytest.raises(LoadError):
        ask("missing.py", "x")
    file = tmp_path / "broken.py"
    file.write_text(SHARED.replace('log.append("open")', "raise ValueError('no pool')"))
    with pytest.raises(StartupError, match="no pool"):
        ask(file, "x")
