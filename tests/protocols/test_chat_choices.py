"""The bytes of replies of several choices, and of what is told beside the choices."""

from typing import Any

import pytest

from mserve.events import AudioDelta, Citation, Failure, Finish, RunEvent, TextDelta, Usage
from mserve.protocols import chat_completions
from mserve.protocols.base import Encoder
from protocols.golden import CHUNK, DONE, ENVELOPE, ROLE, STOP, body, choice, delta, stream, whole
from protocols.talks import Take, asked_of

_NOTE = b'{"type":"url_citation","url_citation":{"start_index":0,"end_index":1,"url":"u","title":"t"}}'
_ASKED = {"include_usage": True}
_USAGE = b',"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}'


def _role(number: int) -> bytes:
    return delta(b'{"role":"assistant"}', number=number)


def _text(text: bytes, number: int) -> bytes:
    return delta(b'{"content":"' + text + b'"}', number=number)


def _encoder(n: int) -> Encoder:
    return chat_completions.encoder(ENVELOPE, asked_of(chat_completions, n=n))


def test_choices_interleave_each_under_its_number() -> None:
    takes: list[Take] = [
        (0, [TextDelta("a")]),
        (1, [TextDelta("b"), Finish("length")]),
        (0, [TextDelta("c"), Finish()]),
    ]
    assert stream(chat_completions, *takes, n=2) == (
        ROLE
        + _text(b"a", 0)
        + _role(1)
        + _text(b"b", 1)
        + delta(b"{}", b'"length"', number=1)
        + _text(b"c", 0)
        + STOP
        + DONE
    )


def test_a_choice_that_speaks_first_lets_those_before_it_begin() -> None:
    encoder = _encoder(3)
    assert encoder.encode(2, [Citation("u", "t", 0, 1), AudioDelta(b"a")]) == b""  # these wait, and so do the roles
    assert encoder.encode(1, [TextDelta("b")]) == _role(0) + _role(1) + _text(b"b", 1)
    assert encoder.encode(0, [TextDelta("a")]) == _text(b"a", 0)
    assert encoder.encode(2, [Finish()]) == _role(2) + (
        delta(b'{"annotations":[' + _NOTE + b"]}", number=2)
        + delta(b'{"audio":{"id":"audio_k1","data":"YQ==","expires_at":1700000000}}', number=2)
        + delta(b"{}", b'"stop"', number=2)
    )


@pytest.mark.parametrize("event", [Usage(1, 1), Failure(500, "no")])
def test_what_is_no_word_lets_no_choice_begin(event: RunEvent) -> None:
    assert b"role" not in _encoder(2).encode(1, [event])


def test_a_whole_reply_has_its_choices_in_order() -> None:
    logs: list[list[RunEvent]] = [[TextDelta("a"), Finish()], [TextDelta("b"), Finish("length")]]
    assert whole(chat_completions, *logs, n=2) == body(
        choice(b'"content":"a","refusal":null'),
        choice(b'"content":"b","refusal":null', b"length", number=1),
    )


def test_a_choice_that_fails_ends_the_stream_for_all() -> None:
    takes: list[Take] = [(0, [TextDelta("a"), Usage(1, 1)]), (1, [Usage(1, 1), Failure(500, "no")])]
    error = b'data: {"error":{"message":"no","type":"server_error","param":null,"code":null}}\n\n'
    assert stream(chat_completions, *takes, n=2, stream_options=_ASKED) == ROLE + _text(b"a", 0) + error + DONE


# ---- usage


def test_usage_is_that_of_all_choices_together() -> None:
    logs: list[list[RunEvent]] = [[Usage(3, 1), Finish(), Usage(1, 1)], [Finish(), Usage(5, 2)]]
    usage = _USAGE % (9, 4, 13)
    empty = b'"content":"","refusal":null'
    assert whole(chat_completions, *logs, n=2) == body(choice(empty), choice(empty, number=1), rest=usage)
    streamed = stream(chat_completions, *enumerate(logs), n=2, stream_options=_ASKED)
    assert streamed.endswith(b"data: " + CHUNK + b"]" + usage + b"}\n\n" + DONE)


@pytest.mark.parametrize("silent", [0, 1])
def test_usage_that_one_choice_does_not_know_is_not_told(silent: int) -> None:
    logs: list[list[RunEvent]] = [[Finish(), Usage(5, 2)], [Finish(), Usage(5, 2)]]
    del logs[silent][1]
    assert b"usage" not in whole(chat_completions, *logs, n=2)
    assert b"usage" not in stream(chat_completions, *enumerate(logs), n=2, stream_options=_ASKED)


def test_a_usage_of_nothing_is_known() -> None:
    assert (_USAGE % (0, 0, 0)) in whole(chat_completions, [Usage(0, 0), Finish()])


# ---- what is echoed


@pytest.mark.parametrize(("sent", "told"), [("auto", b"default"), ("default", b"default"), ("flex", b"flex")])
def test_the_service_tier_that_was_asked_for_is_told(sent: str, told: bytes) -> None:
    tier = b'"service_tier":"' + told + b'"'
    assert whole(chat_completions, [Finish()], service_tier=sent) == (
        body(choice(b'"content":"","refusal":null'), rest=b"," + tier)
    )
    head = CHUNK.replace(b'"choices"', tier + b',"choices"')
    assert stream(chat_completions, (0, [Finish(), Usage(1, 1)]), service_tier=sent, stream_options=_ASKED) == (
        delta(b'{"role":"assistant"}', head=head)
        + delta(b"{}", b'"stop"', head=head)
        + b"data: "
        + head
        + b"]"
        + (_USAGE % (1, 1, 2))
        + b"}\n\n"
        + DONE
    )


def test_metadata_are_told_in_a_whole_reply_and_in_no_chunk() -> None:
    sent = {"a": "b\u2028", "c": ""}
    rest = ',"metadata":{"a":"b\u2028","c":""}'.encode()
    assert whole(chat_completions, [Finish()], metadata=sent) == (
        body(choice(b'"content":"","refusal":null'), rest=rest)
    )
    assert stream(chat_completions, (0, [Finish()]), metadata=sent) == ROLE + STOP + DONE


@pytest.mark.parametrize(
    "sent", [{}, {"metadata": {}}, {"metadata": None, "service_tier": None}, {"service_tier": "gold"}], ids=repr
)
def test_what_was_not_sent_or_is_no_tier_is_not_told(sent: dict[str, Any]) -> None:
    assert stream(chat_completions, (0, [Finish()]), **sent) == ROLE + STOP + DONE
    assert whole(chat_completions, [Finish()], **sent) == body(choice(b'"content":"","refusal":null'))
