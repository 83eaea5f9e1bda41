"""Responses that are more than a text, event for event, and how each of them ends."""

from collections.abc import Iterator
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
from mserve.protocols import chat_completions, responses
from protocols.golden import ENVELOPE, stream
from protocols.talks import Talk, asked_of
from protocols.unfolding import events

Told = dict[str, Any]


def _said(*said: RunEvent, **sent: Any) -> list[Told]:
    """Give the events between a response's first two and its last, without their numbers, and then the response."""
    _, _, *between, last = events(stream(responses, (0, list(said)), **sent))
    response = last["response"]
    assert last["type"] == {"cancelled": "response.failed"}.get(response["status"], f"response.{response['status']}")
    assert (response["completed_at"] is not None) is (response["status"] == "completed")
    bare = [{key: value for key, value in event.items() if key != "sequence_number"} for event in between]
    told = ("status", "output", "error", "incomplete_details", "usage")
    return [*bare, {key: response[key] for key in told if response[key] is not None}]


def _text(text: str, *notes: Told, logprobs: list[Told] | None = None) -> Told:
    return {"type": "output_text", "text": text, "annotations": [*notes], "logprobs": logprobs or []}


def _refusal(text: str) -> Told:
    return {"type": "refusal", "refusal": text}


def _message(number: int, *parts: Told, status: str = "completed") -> Told:
    return {
        "type": "message",
        "id": f"msg_k1_{number}",
        "status": status,
        "content": [*parts],
        "role": "assistant",
    }


def _thought(number: int, text: str, *, status: str = "completed", summary: bool = False) -> Told:
    item = {"type": "reasoning", "id": f"rs_k1_{number}", "summary": [], "status": status}
    if summary:
        return item | {"summary": [{"type": "summary_text", "text": text}] if text else []}
    return item | ({"content": [{"type": "reasoning_text", "text": text}]} if text else {})


def _call(number: int, call: str, name: str, arguments: str, *, status: str = "completed") -> Told:
    kind = {"type": "function_call", "id": f"fc_k1_{number}", "call_id": call, "name": name}
    return kind | {"arguments": arguments, "status": status}


def _custom(number: int, call: str, name: str, text: str, *, status: str = "completed") -> Told:
    kind = {"type": "custom_tool_call", "id": f"ctc_k1_{number}", "call_id": call, "name": name}
    return kind | {"input": text, "status": status}


def _event(kind: str, item: Told, number: int, index: int | None = None, **more: Any) -> Told:
    """Give an event of an item's part, or of the item itself."""
    place = {} if index is None else {"summary_index" if "summary" in kind else "content_index": index}
    return {"type": f"response.{kind}", "item_id": item["id"], "output_index": number, **place, **more}


def _added(number: int, item: Told) -> Told:
    return {"type": "response.output_item.added", "output_index": number, "item": item | {"status": "in_progress"}}


def _done(number: int, item: Told) -> Told:
    return {"type": "response.output_item.done", "output_index": number, "item": item}


def _in_message(number: int, part: Told, *pieces: str, at: int = 0) -> Iterator[Told]:
    """Give the events of a part of a message that has no notes and no tokens."""
    item, kind = _message(number), part["type"]
    key = "text" if kind == "output_text" else "refusal"
    yield _event("content_part.added", item, number, at, part=part | {key: ""})
    tokens: Told = {"logprobs": []} if kind == "output_text" else {}
    for piece in pieces:
        yield _event(f"{kind}.delta", item, number, at, delta=piece, **tokens)
    yield _event(f"{kind}.done", item, number, at, **{key: part[key]}, **tokens)
    yield _event("content_part.done", item, number, at, part=part)


def _of_message(number: int, text: str) -> list[Told]:
    """Give all events of a message of one text that came at once."""
    whole = _message(number, _text(text))
    return [_added(number, _message(number)), *_in_message(number, _text(text), text), _done(number, whole)]


def _ends(*items: Told, status: str = "completed", **more: Any) -> Told:
    return {"status": status, "output": [*items], **more}


# ---- reasoning


def test_a_thought_is_an_item_of_its_own_and_whole_when_the_text_begins() -> None:
    thought = _thought(0, "hm, so")
    assert _said(ReasoningDelta("hm"), ReasoningDelta(", so"), TextDelta("Hi"), Finish()) == [
        _added(0, _thought(0, "")),
        _event("content_part.added", thought, 0, 0, part={"type": "reasoning_text", "text": ""}),
        _event("reasoning_text.delta", thought, 0, 0, delta="hm"),
        _event("reasoning_text.delta", thought, 0, 0, delta=", so"),
        _event("reasoning_text.done", thought, 0, 0, text="hm, so"),
        _event("content_part.done", thought, 0, 0, part={"type": "reasoning_text", "text": "hm, so"}),
        _done(0, thought),
        *_of_message(1, "Hi"),
        _ends(thought, _message(1, _text("Hi"))),
    ]


@pytest.mark.parametrize("asked", [{"summary": "auto"}, {"summary": None, "generate_summary": "concise"}], ids=repr)
def test_a_thought_is_a_summary_for_a_client_that_asked_for_one(asked: Told) -> None:
    thought = _thought(0, "hm, so", summary=True)
    part = {"type": "summary_text", "text": "hm, so"}
    assert _said(ReasoningDelta("hm"), ReasoningDelta(", so"), Finish(), reasoning=asked) == [
        _added(0, _thought(0, "", summary=True)),
        _event("reasoning_summary_part.added", thought, 0, 0, part=part | {"text": ""}),
        _event("reasoning_summary_text.delta", thought, 0, 0, delta="hm"),
        _event("reasoning_summary_text.delta", thought, 0, 0, delta=", so"),
        _event("reasoning_summary_text.done", thought, 0, 0, text="hm, so"),
        _event("reasoning_summary_part.done", thought, 0, 0, part=part),
        _done(0, thought),
        _ends(thought),
    ]


def test_a_thought_after_a_text_is_another_item_and_so_is_the_text_behind_it() -> None:
    (*_, end) = _said(ReasoningDelta("a"), TextDelta("b"), ReasoningDelta("c"), TextDelta("d"), Finish())
    assert end == _ends(_thought(0, "a"), _message(1, _text("b")), _thought(2, "c"), _message(3, _text("d")))


# ---- calls


def test_calls_interleave_and_are_whole_at_the_end() -> None:
    first, second = _call(1, "c1", "f", "{}"), _call(2, "c2", "g", '{"x":1}')
    said: list[RunEvent] = [
        TextDelta("Hi"),
        ToolCallStart("c1", "f"),
        ToolCallStart("c2", "g"),
        ToolCallDelta("c2", '{"x"'),
        ToolCallDelta("c1", "{}"),
        ToolCallDelta("c2", ":1}"),
        Finish("tool_calls"),
    ]
    assert _said(*said) == [
        *_of_message(0, "Hi"),
        _added(1, _call(1, "c1", "f", "")),
        _added(2, _call(2, "c2", "g", "")),
        _event("function_call_arguments.delta", second, 2, delta='{"x"'),
        _event("function_call_arguments.delta", first, 1, delta="{}"),
        _event("function_call_arguments.delta", second, 2, delta=":1}"),
        _event("function_call_arguments.done", first, 1, name="f", arguments="{}"),
        _done(1, first),
        _event("function_call_arguments.done", second, 2, name="g", arguments='{"x":1}'),
        _done(2, second),
        _ends(_message(0, _text("Hi")), first, second),
    ]


def test_a_custom_tool_gets_its_text() -> None:
    call = _custom(0, "c1", "sql", "SELECT 1")
    said: list[RunEvent] = [
        ToolCallStart("c1", "sql", "custom"),
        ToolCallDelta("c1", "SELECT"),
        ToolCallDelta("c1", " 1"),
    ]
    assert _said(*said, Finish("tool_calls")) == [
        _added(0, _custom(0, "c1", "sql", "")),
        _event("custom_tool_call_input.delta", call, 0, delta="SELECT"),
        _event("custom_tool_call_input.delta", call, 0, delta=" 1"),
        _event("custom_tool_call_input.done", call, 0, input="SELECT 1"),
        _done(0, call),
        _ends(call),
    ]


def test_a_call_goes_on_behind_a_text_that_began_after_it() -> None:
    said: list[RunEvent] = [ToolCallStart("c1", "f"), TextDelta("Hi"), ToolCallDelta("c1", "{}"), Finish("tool_calls")]
    call, message = _call(0, "c1", "f", "{}"), _message(1, _text("Hi"))
    told = _said(*said)
    assert [event["type"].removeprefix("response.") for event in told[:-1]] == [
        *("output_item.added", "output_item.added", "content_part.added", "output_text.delta"),
        *("function_call_arguments.delta", "function_call_arguments.done", "output_item.done"),
        *("output_text.done", "content_part.done", "output_item.done"),
    ]
    assert told[-1] == _ends(call, message)


# ---- refusals, sound


def test_a_refusal_stands_beside_the_text() -> None:
    text, refusal = _text("Hm"), _refusal("I won't")
    whole = _message(0, text, refusal)
    assert _said(TextDelta("Hm"), RefusalDelta("I "), RefusalDelta("won't"), Finish()) == [
        _added(0, _message(0)),
        *_in_message(0, text, "Hm"),
        *_in_message(0, refusal, "I ", "won't", at=1),
        _done(0, whole),
        _ends(whole),
    ]


def test_a_text_behind_a_refusal_is_another_part() -> None:
    whole = _message(0, _refusal("no"), _text("But"))
    assert _said(RefusalDelta("no"), TextDelta("But"), Finish()) == [
        _added(0, _message(0)),
        *_in_message(0, _refusal("no"), "no"),
        *_in_message(0, _text("But"), "But", at=1),
        _done(0, whole),
        _ends(whole),
    ]


def test_sound_has_no_place() -> None:
    assert _said(AudioDelta(b"a", "Hi"), Finish()) == [_ends()]


# ---- citations

_RAIN: list[RunEvent] = [TextDelta("It "), TextDelta("rains")]


def _note(host: str, start: int, end: int) -> Told:
    url = f"https://{host}"
    return {"type": "url_citation", "url": url, "start_index": start, "end_index": end, "title": host.upper()}


def _cite(host: str, start: int, end: int) -> Citation:
    return Citation(f"https://{host}", host.upper(), start, end)


def test_citations_are_told_while_their_text_goes_on() -> None:
    whole = _message(0, _text("It rains", _note("a", 0, 2), _note("b", 3, 8)))
    part = whole["content"][0]
    assert _said(TextDelta("It "), _cite("a", 0, 2), TextDelta("rains"), _cite("b", 3, 8), Finish()) == [
        _added(0, _message(0)),
        _event("content_part.added", whole, 0, 0, part=_text("")),
        _event("output_text.delta", whole, 0, 0, delta="It ", logprobs=[]),
        _event("output_text.annotation.added", whole, 0, 0, annotation_index=0, annotation=_note("a", 0, 2)),
        _event("output_text.delta", whole, 0, 0, delta="rains", logprobs=[]),
        _event("output_text.annotation.added", whole, 0, 0, annotation_index=1, annotation=_note("b", 3, 8)),
        _event("output_text.done", whole, 0, 0, text="It rains", logprobs=[]),
        _event("content_part.done", whole, 0, 0, part=part),
        _done(0, whole),
        _ends(whole),
    ]


def test_a_citation_may_come_before_its_text() -> None:
    *_, end = _said(_cite("a", 0, 2), *_RAIN, Finish())
    assert end == _ends(_message(0, _text("It rains", _note("a", 0, 2))))


def test_a_citation_of_a_text_that_is_whole_is_in_the_response_alone_and_begins_nothing() -> None:
    told = _said(*_RAIN, ToolCallStart("c", "f"), ToolCallDelta("c", "{}"), _cite("a", 0, 2), Finish("tool_calls"))
    assert not [event for event in told[:-1] if "annotation" in event["type"]]
    assert told[-1] == _ends(_message(0, _text("It rains", _note("a", 0, 2))), _call(1, "c", "f", "{}"))


def test_places_are_counted_from_the_start_of_their_own_text() -> None:
    said: list[RunEvent] = [
        *_RAIN,
        ReasoningDelta("hm"),
        TextDelta("Often"),
        _cite("b", 8, 13),
        _cite("a", 3, 8),
        Finish(),
    ]
    told = _said(*said)
    assert [event["annotation"] for event in told[:-1] if "annotation" in event] == [_note("b", 0, 5)]
    first, second = _text("It rains", _note("a", 3, 8)), _text("Often", _note("b", 0, 5))
    assert told[-1] == _ends(_message(0, first), _thought(1, "hm"), _message(2, second))


def test_a_citation_of_a_text_to_come_begins_it() -> None:
    *_, end = _said(*_RAIN, ReasoningDelta("hm"), _cite("a", 8, 13), TextDelta("Often"), Finish())
    assert end["output"][2] == _message(2, _text("Often", _note("a", 0, 5)))


# ---- log probabilities

_TOKEN = Logprob("H", -0.5, (72,), (Logprob("H", -0.5, (72,)), Logprob("é", -9999.0)))
_TOLD: list[RunEvent] = [
    TextDelta("H", (_TOKEN,)),
    TextDelta("", (Logprob("i", -1.0), Logprob("!", 0.0))),
    TextDelta("i!"),
    Finish(),
]
_INCLUDE = ["message.output_text.logprobs"]


def test_log_probabilities_come_with_their_text_where_they_were_asked_for() -> None:
    others = [{"token": "H", "logprob": -0.5, "bytes": [72]}, {"token": "é", "logprob": -9999.0, "bytes": [195, 169]}]
    tokens: list[Told] = [
        {"token": "H", "logprob": -0.5, "bytes": [72], "top_logprobs": others},
        {"token": "i", "logprob": -1.0, "bytes": [105], "top_logprobs": []},
        {"token": "!", "logprob": 0.0, "bytes": [33], "top_logprobs": []},
    ]
    told = _said(*_TOLD, include=_INCLUDE)
    deltas = [event["logprobs"] for event in told if event.get("type") == "response.output_text.delta"]
    likeliest = [{"token": other["token"], "logprob": other["logprob"], "top_logprobs": []} for other in others]
    assert deltas == [
        [{"token": "H", "logprob": -0.5, "top_logprobs": likeliest}],
        [{"token": "i", "logprob": -1.0, "top_logprobs": []}, {"token": "!", "logprob": 0.0, "top_logprobs": []}],
        [],
    ]
    assert [event["logprobs"] for event in told if event.get("type") == "response.output_text.done"] == [tokens]
    assert told[-1] == _ends(_message(0, _text("Hi!", logprobs=tokens)))


def test_log_probabilities_that_nobody_asked_for_stay_out_and_so_do_tokens_without_a_text() -> None:
    assert _said(*_TOLD) == [
        _added(0, _message(0)),
        *_in_message(0, _text("Hi!"), "H", "i!"),
        _done(0, _message(0, _text("Hi!"))),
        _ends(_message(0, _text("Hi!"))),
    ]


# ---- how it ends


@pytest.mark.parametrize(
    ("reason", "told"), [("length", "max_output_tokens"), ("content_filter", "content_filter")], ids=str
)
def test_what_was_cut_is_incomplete_in_each_item_that_went_on(reason: Any, told: str) -> None:
    thought, call = _thought(0, "hm"), _call(1, "c", "f", '{"a', status="incomplete")
    message = _message(2, _text("Hi"), status="incomplete")
    said: list[RunEvent] = [
        ReasoningDelta("hm"),
        ToolCallStart("c", "f"),
        ToolCallDelta("c", '{"a'),
        TextDelta("Hi"),
        Finish(reason),
    ]
    events_ = _said(*said)
    ended = [event["item"] for event in events_[:-1] if event["type"].endswith("item.done")]
    assert ended == [thought, call, message]
    assert events_[-1] == _ends(thought, call, message, status="incomplete", incomplete_details={"reason": told})


def test_a_failure_first_is_a_failed_response_without_an_item() -> None:
    assert _said(Failure(503, "busy", "overloaded")) == [
        _ends(status="failed", error={"code": "server_error", "message": "busy"})
    ]


def test_a_failure_in_the_middle_leaves_what_was_said_as_it_is() -> None:
    call, message = _call(0, "c", "f", "{", status="incomplete"), _message(1, _text("Hi"), status="incomplete")
    said: list[RunEvent] = [
        ToolCallStart("c", "f"),
        ToolCallDelta("c", "{"),
        TextDelta("Hi"),
        Usage(3, 1),
        Failure(500, "no\u2028"),
    ]
    *_, delta, end = _said(*said)
    assert delta["type"] == "response.output_text.delta"
    usage = {
        "input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 1,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 4,
    }
    error = {"code": "server_error", "message": "no\u2028"}
    assert end == _ends(call, message, status="failed", error=error, usage=usage)


def test_what_was_whole_before_a_failure_stays_whole() -> None:
    *_, end = _said(ReasoningDelta("hm"), TextDelta("Hi"), Failure(500, "no"))
    assert end["output"] == [_thought(0, "hm"), _message(1, _text("Hi"), status="incomplete")]


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "invalid_prompt"), (429, "rate_limit_exceeded"), (499, "invalid_prompt"), (500, "server_error")],
)
def test_an_errors_code_is_one_that_openais_clients_know(status: int, code: str) -> None:
    (end,) = _said(Failure(status, "no", "own_code", "seed"))
    assert end["error"] == {"code": code, "message": "no"}


def test_a_response_that_was_cancelled_has_no_error() -> None:
    *_, end = _said(TextDelta("Hi"), Failure(500, "cancelled", "cancelled"))
    assert end == _ends(_message(0, _text("Hi"), status="incomplete"), status="cancelled")


def test_a_response_is_of_the_first_of_chat_completions_choices() -> None:
    asked = asked_of(chat_completions, n=2)
    takes: list[tuple[int, list[RunEvent]]] = [(1, [TextDelta("other"), Finish()]), (0, [TextDelta("Hi"), Finish()])]
    talk = Talk(responses, ENVELOPE, asked, [takes[1][1], takes[0][1]])
    assert talk.stream(takes) == talk.stream(takes[1:])
    assert events(talk.stream(takes))[-1]["response"]["output"] == [_message(0, _text("Hi"))]
    assert b"other" not in talk.whole


def test_a_response_fails_where_any_choice_does() -> None:
    asked = asked_of(chat_completions, n=2)
    failure = Failure(503, "busy")
    talk = Talk(responses, ENVELOPE, asked, [[TextDelta("Hi")], [TextDelta("other"), failure]])
    *_, last = events(talk.stream())
    assert last["type"] == "response.failed"
    assert last["response"]["output"] == [_message(0, _text("Hi"), status="incomplete")]
    assert last["response"]["error"] == {"code": "server_error", "message": "busy"}
    assert b'"status":"failed"' in talk.whole
