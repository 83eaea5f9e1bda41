"""The bytes of completions."""

from typing import Any

import pytest

from mserve.events import (
    AudioDelta,
    Citation,
    Failure,
    Finish,
    Logprob,
    ReasoningDelta,
    RefusalDelta,
    RunEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from mserve.protocols import completions
from protocols.golden import DONE
from protocols.golden import stream as stream_of
from protocols.golden import whole as whole_of

_HEAD = b'{"id":"cmpl-k1","object":"text_completion","created":1700000000,"model":"m","choices":['
_ASKED = {"include_usage": True}
_ERROR = b'data: {"error":{"message":"no\\u2028","type":"server_error","param":null,"code":null}}\n\n'
_USAGE = b',"usage":{"prompt_tokens":4,"completion_tokens":2,"total_tokens":6}'


def _stream(*events: RunEvent, **sent: Any) -> bytes:
    return stream_of(completions, (0, list(events)), **sent)


def _whole(*events: RunEvent, **sent: Any) -> bytes:
    return whole_of(completions, list(events), **sent)


def _choice(text: bytes, reason: bytes = b"null", logprobs: bytes = b"null", number: int = 0) -> bytes:
    said = b'{"index":%d,"text":"' % number + text + b'","logprobs":' + logprobs
    return said + b',"finish_reason":' + reason + b"}"


def _piece(*args: Any, **kwargs: Any) -> bytes:
    return b"data: " + _HEAD + _choice(*args, **kwargs) + b"]}\n\n"


def _body(*choices: bytes, rest: bytes = b"") -> bytes:
    return _HEAD + b",".join(choices) + b"]" + rest + b"}"


_STOP = _piece(b"", b'"stop"')


def test_a_small_stream_byte_for_byte() -> None:
    assert _stream(TextDelta("Hi "), TextDelta("thére\u2028"), Finish()).decode() == (
        'data: {"id":"cmpl-k1","object":"text_completion","created":1700000000,"model":"m",'
        '"choices":[{"index":0,"text":"Hi ","logprobs":null,"finish_reason":null}]}\n\n'
        'data: {"id":"cmpl-k1","object":"text_completion","created":1700000000,"model":"m",'
        '"choices":[{"index":0,"text":"thére\\u2028","logprobs":null,"finish_reason":null}]}\n\n'
        'data: {"id":"cmpl-k1","object":"text_completion","created":1700000000,"model":"m",'
        '"choices":[{"index":0,"text":"","logprobs":null,"finish_reason":"stop"}]}\n\n'
        "data: [DONE]\n\n"
    )


def test_a_whole_reply_byte_for_byte() -> None:
    assert _whole(TextDelta("Hi "), TextDelta("thére"), Finish(), Usage(4, 2)).decode() == (
        '{"id":"cmpl-k1","object":"text_completion","created":1700000000,"model":"m",'
        '"choices":[{"index":0,"text":"Hi thére","logprobs":null,"finish_reason":"stop"}],'
        '"usage":{"prompt_tokens":4,"completion_tokens":2,"total_tokens":6}}'
    )


def test_an_echo_comes_with_the_first_word() -> None:
    said: list[RunEvent] = [TextDelta("a"), TextDelta("b"), Finish()]
    assert _stream(*said, prompt="Say: ", echo=True) == _piece(b"Say: a") + _piece(b"b") + _STOP + DONE
    assert _whole(*said, prompt="Say: ", echo=True) == _body(_choice(b"Say: ab", b'"stop"'))


def test_an_echo_comes_where_nothing_is_said() -> None:
    assert _stream(Finish(), prompt="Say", echo=True) == _piece(b"Say") + _STOP + DONE
    assert _whole(Finish(), prompt="Say", echo=True) == _body(_choice(b"Say", b'"stop"'))


@pytest.mark.parametrize("sent", [{}, {"echo": False}, {"echo": None}, {"echo": True, "prompt": ""}], ids=repr)
def test_nothing_is_echoed_unasked(sent: dict[str, Any]) -> None:
    assert _stream(Finish(), **sent) == _STOP + DONE
    assert _whole(Finish(), **sent) == _body(_choice(b"", b'"stop"'))


def test_each_prompt_is_echoed_in_its_own_choices() -> None:
    sent: dict[str, Any] = {"prompt": ["p", "q"], "n": 2, "echo": True}
    logs: list[list[RunEvent]] = [[TextDelta(text), Finish()] for text in "abcd"]
    texts = [b"pa", b"pb", b"qc", b"qd"]
    assert whole_of(completions, *logs, **sent) == (
        _body(*(_choice(text, b'"stop"', number=number) for number, text in enumerate(texts)))
    )
    assert stream_of(completions, *enumerate(logs), **sent) == (
        b"".join(_piece(text, number=n) + _piece(b"", b'"stop"', number=n) for n, text in enumerate(texts)) + DONE
    )


# ---- log probabilities

_TOKENS = (Logprob("H", -0.5, (72,), (Logprob("H", -0.5), Logprob("\u2028", -2.0))), Logprob("i", -1.0))
_TOLD: list[RunEvent] = [
    TextDelta("Hi", _TOKENS),
    TextDelta(", "),
    TextDelta("", (Logprob("half", -3.0),)),
    TextDelta("é", (Logprob("of é", 0.0),)),
    Finish(),
]


def test_tokens_come_in_columns_with_the_place_where_each_begins() -> None:
    others = b'[{"H":-0.5,"\\u2028":-2.0},{}]'
    first = b'{"tokens":["H","i"],"token_logprobs":[-0.5,-1.0],"top_logprobs":' + others + b',"text_offset":[2,3]}'
    half = b'{"tokens":["half"],"token_logprobs":[-3.0],"top_logprobs":[{}],"text_offset":[6]}'
    rest = '{"tokens":["of é"],"token_logprobs":[0.0],"top_logprobs":[{}],"text_offset":[6]}'.encode()
    assert _stream(*_TOLD, logprobs=2, prompt="> ", echo=True) == (
        _piece(b"> Hi", logprobs=first)
        + _piece(b", ")
        + _piece(b"", logprobs=half)
        + _piece("é".encode(), logprobs=rest)
        + _STOP
        + DONE
    )


def test_tokens_of_a_whole_reply_have_the_same_places() -> None:
    columns = (
        '{"tokens":["H","i","half","of é"],"token_logprobs":[-0.5,-1.0,-3.0,0.0],'
        '"top_logprobs":[{"H":-0.5,"\u2028":-2.0},{},{},{}],"text_offset":[2,3,6,6]}'
    ).encode()
    assert _whole(*_TOLD, logprobs=2, prompt="> ", echo=True) == (
        _body(_choice("> Hi, é".encode(), b'"stop"', columns))
    )


def test_tokens_that_nobody_asked_for_stay_out() -> None:
    text = "é".encode()
    assert _stream(*_TOLD) == _piece(b"Hi") + _piece(b", ") + _piece(text) + _STOP + DONE
    assert _whole(*_TOLD) == _body(_choice(b"Hi, " + text, b'"stop"'))


def test_tokens_that_the_program_does_not_give_are_null() -> None:
    assert _stream(TextDelta("Hi"), Finish(), logprobs=1) == _piece(b"Hi") + _STOP + DONE
    assert _whole(TextDelta("Hi"), Finish(), logprobs=1) == _body(_choice(b"Hi", b'"stop"'))


# ---- what else programs say


def test_a_refusal_stands_behind_the_text() -> None:
    said: list[RunEvent] = [RefusalDelta("no, "), TextDelta("Hm, "), RefusalDelta("never"), Finish("length")]
    assert _stream(*said) == _piece(b"Hm, ") + _piece(b"no, never") + _piece(b"", b'"length"') + DONE
    assert _whole(*said) == _body(_choice(b"Hm, no, never", b'"length"'))


def test_what_has_no_place_here_is_left_out_and_a_call_has_ended_the_text() -> None:
    said: list[RunEvent] = [
        ReasoningDelta("hm"),
        TextDelta("a"),
        ToolCallStart("c", "f"),
        ToolCallDelta("c", "{}"),
        Citation("u", "t", 0, 0),
        AudioDelta(b"abc", "b"),
        Finish("tool_calls"),
    ]
    assert _stream(*said) == _piece(b"a") + _STOP + DONE
    assert _whole(*said) == _body(_choice(b"a", b'"stop"'))


def test_usage_that_was_asked_for_is_the_last_chunk_and_adds_up() -> None:
    said: list[RunEvent] = [Usage(1, 1), Finish("content_filter"), Usage(3, 1)]
    last = _piece(b"", b'"content_filter"')
    assert _stream(*said, stream_options=_ASKED) == last + b"data: " + _HEAD + b"]" + _USAGE + b"}\n\n" + DONE
    assert _whole(*said) == _body(_choice(b"", b'"content_filter"'), rest=_USAGE)


@pytest.mark.parametrize("sent", [{}, {"stream_options": {}}, {"stream_options": {"include_usage": False}}], ids=repr)
def test_usage_that_was_not_asked_for_is_not_sent(sent: dict[str, Any]) -> None:
    assert _stream(Usage(1, 1), Finish(), **sent) == _STOP + DONE


def test_usage_that_one_choice_does_not_know_is_not_told() -> None:
    logs: list[list[RunEvent]] = [[Finish(), Usage(1, 1)], [Finish()]]
    assert b"usage" not in whole_of(completions, *logs, n=2)
    assert b"usage" not in stream_of(completions, *enumerate(logs), n=2, stream_options=_ASKED)


def test_a_failure_is_the_last_word() -> None:
    said: list[RunEvent] = [Usage(1, 1), TextDelta("a"), RefusalDelta("b"), Failure(500, "no\u2028")]
    assert _stream(*said, stream_options=_ASKED) == _piece(b"a") + _ERROR + DONE
    assert _stream(Failure(500, "no\u2028"), prompt="p", echo=True) == _ERROR + DONE
