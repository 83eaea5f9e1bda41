"""The bytes of all that a program may say besides text, reasoning and calls of functions."""

import pytest

from mserve.events import (
    AudioDelta,
    Citation,
    Failure,
    Finish,
    Logprob,
    RefusalDelta,
    RunEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
)
from mserve.protocols import chat_completions
from protocols.golden import DONE, ROLE, STOP, body, choice, delta, stream, whole

_ERROR = b'data: {"error":{"message":"no","type":"server_error","param":null,"code":null}}\n\n'


def _stream(*events: RunEvent, logprobs: bool | None = None) -> bytes:
    return stream(chat_completions, (0, list(events)), logprobs=logprobs)


def _whole(*events: RunEvent, logprobs: bool | None = None) -> bytes:
    return whole(chat_completions, list(events), logprobs=logprobs)


# ---- refusals


def test_a_refusal_stands_in_the_texts_place() -> None:
    said: list[RunEvent] = [RefusalDelta("I "), RefusalDelta("won't\u2028"), Finish()]
    first, second = delta(b'{"refusal":"I "}'), delta(b'{"refusal":"won\'t\\u2028"}')
    assert _stream(*said) == ROLE + first + second + STOP + DONE
    assert _whole(*said) == body(choice('"content":null,"refusal":"I won\'t\u2028"'.encode()))


def test_a_text_stays_beside_a_refusal() -> None:
    assert _whole(TextDelta("Hm"), RefusalDelta("no")) == body(choice(b'"content":"Hm","refusal":"no"'))


# ---- custom tools

_CUSTOM: list[RunEvent] = [
    ToolCallStart("c1", "sql", "custom"),
    ToolCallDelta("c1", "SELECT"),
    ToolCallDelta("c1", " 1"),
    ToolCallStart("c2", "f"),
    ToolCallDelta("c2", "{}"),
    Finish("tool_calls"),
]


def test_a_custom_tool_gets_its_text_in_pieces() -> None:
    assert _stream(*_CUSTOM) == (
        ROLE
        + delta(b'{"tool_calls":[{"index":0,"id":"c1","type":"custom","custom":{"name":"sql","input":""}}]}')
        + delta(b'{"tool_calls":[{"index":0,"custom":{"input":"SELECT"}}]}')
        + delta(b'{"tool_calls":[{"index":0,"custom":{"input":" 1"}}]}')
        + delta(b'{"tool_calls":[{"index":1,"id":"c2","type":"function","function":{"name":"f","arguments":""}}]}')
        + delta(b'{"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]}')
        + delta(b"{}", b'"tool_calls"')
        + DONE
    )


def test_a_custom_tool_gets_its_text_whole() -> None:
    calls = (
        b'"tool_calls":[{"type":"custom","id":"c1","custom":{"name":"sql","input":"SELECT 1"}},'
        b'{"type":"function","id":"c2","function":{"name":"f","arguments":"{}"}}]'
    )
    assert _whole(*_CUSTOM) == body(choice(b'"content":null,"refusal":null,' + calls, b"tool_calls"))


# ---- citations

_CITING: list[RunEvent] = [
    TextDelta("It "),
    Citation("https://a", "A", 0, 2),
    TextDelta("rains"),
    Citation("https://b", "B\u2028", 3, 8),
    Finish(),
]
_NOTE = b'{"type":"url_citation","url_citation":{"start_index":%d,"end_index":%d,"url":"https://%s","title":"%s"}}'


def test_citations_come_together_before_the_end() -> None:
    notes = _NOTE % (0, 2, b"a", b"A") + b"," + _NOTE % (3, 8, b"b", b"B\\u2028")
    assert _stream(*_CITING) == (
        ROLE
        + delta(b'{"content":"It "}')
        + delta(b'{"content":"rains"}')
        + delta(b'{"annotations":[' + notes + b"]}")
        + STOP
        + DONE
    )


def test_citations_stand_beside_a_whole_text() -> None:
    notes = _NOTE % (0, 2, b"a", b"A") + b"," + _NOTE % (3, 8, b"b", "B\u2028".encode())
    assert _whole(*_CITING) == body(choice(b'"content":"It rains","refusal":null,"annotations":[' + notes + b"]"))


def test_a_failure_takes_the_citations_with_it() -> None:
    assert _stream(Citation("u", "t", 0, 0), Failure(500, "no")) == _ERROR + DONE


# ---- audio

_SPOKEN: list[RunEvent] = [
    AudioDelta(b"ab", "Hi "),
    AudioDelta(b"cd", id="a1"),
    AudioDelta(b"e", "there", id="a2", expires_at=7),
    AudioDelta(expires_at=8),
    Finish(),
]


def test_a_recordings_base64_joins_and_its_id_and_time_come_once() -> None:
    assert _stream(*_SPOKEN) == (
        ROLE
        + delta(b'{"audio":{"transcript":"Hi "}}')
        + delta(b'{"audio":{"id":"a1","data":"YWJj"}}')
        + delta(b'{"audio":{"transcript":"there","expires_at":7}}')
        + delta(b'{"audio":{"data":"ZGU="}}')
        + STOP
        + DONE
    )


def test_a_whole_recording_leaves_the_content_null() -> None:
    audio = b'"audio":{"id":"a1","expires_at":7,"data":"YWJjZGU=","transcript":"Hi there"}'
    assert _whole(*_SPOKEN) == body(choice(b'"content":null,"refusal":null,' + audio))


def test_a_recording_without_id_and_time_gets_the_replys_and_is_gone_by_now() -> None:
    assert _stream(AudioDelta(b"abc"), Finish()) == (
        ROLE
        + delta(b'{"audio":{"data":"YWJj"}}')
        + delta(b'{"audio":{"id":"audio_k1","expires_at":1700000000}}')
        + STOP
        + DONE
    )
    audio = b'"audio":{"id":"audio_k1","expires_at":1700000000,"data":"YWJj","transcript":""}'
    assert _whole(AudioDelta(b"abc"), Finish()) == body(choice(b'"content":null,"refusal":null,' + audio))


def test_a_piece_that_base64_has_to_wait_for_sends_nothing() -> None:
    assert _stream(AudioDelta(b"a"), Failure(500, "no")) == _ERROR + DONE


# ---- log probabilities

_TOKEN = Logprob("H", -0.5, (72,), (Logprob("H", -0.5, (72,)), Logprob("\u2028", -9999.0)))
_TOLD: list[RunEvent] = [
    TextDelta("H", (_TOKEN,)),
    TextDelta("", (Logprob("i", -1.0), Logprob("!", 0.0))),
    TextDelta("i!"),
    Finish(),
]
_FIRST = (
    '{"token":"H","logprob":-0.5,"bytes":[72],"top_logprobs":[{"token":"H","logprob":-0.5,"bytes":[72]},'
    '{"token":"\u2028","logprob":-9999.0,"bytes":null}]}'
).encode()
_LAST = (
    b'{"token":"i","logprob":-1.0,"bytes":null,"top_logprobs":[]},'
    b'{"token":"!","logprob":0.0,"bytes":null,"top_logprobs":[]}'
)


def test_log_probabilities_come_with_their_text() -> None:
    first = _FIRST.replace("\u2028".encode(), rb"\u2028")
    assert _stream(*_TOLD, logprobs=True) == (
        ROLE
        + delta(b'{"content":"H"}', logprobs=b',"logprobs":{"content":[' + first + b'],"refusal":null}')
        + delta(b'{"content":""}', logprobs=b',"logprobs":{"content":[' + _LAST + b'],"refusal":null}')
        + delta(b'{"content":"i!"}')
        + STOP
        + DONE
    )


def test_log_probabilities_stand_beside_a_whole_message() -> None:
    logprobs = b'{"content":[' + _FIRST + b"," + _LAST + b'],"refusal":null}'
    assert _whole(*_TOLD, logprobs=True) == body(choice(b'"content":"Hi!","refusal":null', logprobs=logprobs))


@pytest.mark.parametrize("asked", [None, False])
def test_log_probabilities_that_nobody_asked_for_stay_out(asked: bool | None) -> None:
    assert _stream(*_TOLD, logprobs=asked) == (
        ROLE + delta(b'{"content":"H"}') + delta(b'{"content":"i!"}') + STOP + DONE
    )
    assert _whole(*_TOLD, logprobs=asked) == body(choice(b'"content":"Hi!","refusal":null'))


def test_log_probabilities_that_the_program_does_not_give_are_null() -> None:
    assert _whole(TextDelta("Hi"), logprobs=True) == body(choice(b'"content":"Hi","refusal":null'))
    assert _stream(TextDelta("Hi"), Finish(), logprobs=True) == ROLE + delta(b'{"content":"Hi"}') + STOP + DONE
