"""Small responses, event for event: what is not a text alone, and how it ends, is in test_responses_kinds.py."""

import json
from typing import Any

from mserve.events import Finish, RefusalDelta, RunEvent, Said, TextDelta, Usage
from mserve.protocols import responses
from mserve.protocols.responses.whole import WholeResponse
from protocols.golden import ENVELOPE, stream, whole
from protocols.talks import asked_of
from protocols.unfolding import events

_USAGE: dict[str, Any] = {
    "input_tokens": 7,
    "input_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 0},
    "output_tokens": 3,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 10,
}
_HI: list[RunEvent] = [TextDelta("Hi "), TextDelta("thére"), Finish()]


def _spelt(**changed: Any) -> str:
    """Give a response's JSON; its keys come in this order."""
    response: dict[str, Any] = {
        "id": "resp_k1",
        "object": "response",
        "created_at": 1700000000,
        "completed_at": None,
        "status": "in_progress",
        "background": False,
        "error": None,
        "frequency_penalty": 0.0,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "metadata": {},
        "model": "m",
        "output": [],
        "parallel_tool_calls": True,
        "presence_penalty": 0.0,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None,
    }
    assert changed.keys() <= response.keys()
    return json.dumps(response | changed, separators=(",", ":"), ensure_ascii=False)


_MESSAGE: dict[str, Any] = {
    "type": "message",
    "id": "msg_k1_0",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Hi thére", "annotations": [], "logprobs": []}],
    "role": "assistant",
}
_DONE = _spelt(completed_at=0, status="completed", output=[_MESSAGE], usage=_USAGE)


def test_a_small_stream_byte_for_byte() -> None:
    part = '"item_id":"msg_k1_0","output_index":0,"content_index":0'
    assert stream(responses, (0, [*_HI, Usage(4, 2, 0, 2), Usage(3, 1, 1)])).decode() == (
        f'event: response.created\nid: 0\ndata: {{"type":"response.created","response":{_spelt()},'
        '"sequence_number":0}\n\n'
        f'event: response.in_progress\nid: 1\ndata: {{"type":"response.in_progress","response":{_spelt()},'
        '"sequence_number":1}\n\n'
        'event: response.output_item.added\nid: 2\ndata: {"type":"response.output_item.added","output_index":0,'
        '"item":{"type":"message","id":"msg_k1_0","status":"in_progress","content":[],"role":"assistant"},'
        '"sequence_number":2}\n\n'
        f'event: response.content_part.added\nid: 3\ndata: {{"type":"response.content_part.added",{part},'
        '"part":{"type":"output_text","text":"","annotations":[],"logprobs":[]},"sequence_number":3}\n\n'
        f'event: response.output_text.delta\nid: 4\ndata: {{"type":"response.output_text.delta",{part},'
        '"delta":"Hi ","logprobs":[],"sequence_number":4}\n\n'
        f'event: response.output_text.delta\nid: 5\ndata: {{"type":"response.output_text.delta",{part},'
        '"delta":"thére","logprobs":[],"sequence_number":5}\n\n'
        f'event: response.output_text.done\nid: 6\ndata: {{"type":"response.output_text.done",{part},'
        '"text":"Hi thére","logprobs":[],"sequence_number":6}\n\n'
        f'event: response.content_part.done\nid: 7\ndata: {{"type":"response.content_part.done",{part},'
        '"part":{"type":"output_text","text":"Hi thére","annotations":[],"logprobs":[]},"sequence_number":7}\n\n'
        'event: response.output_item.done\nid: 8\ndata: {"type":"response.output_item.done","output_index":0,'
        '"item":{"type":"message","id":"msg_k1_0","status":"completed",'
        '"content":[{"type":"output_text","text":"Hi thére","annotations":[],"logprobs":[]}],"role":"assistant"},'
        '"sequence_number":8}\n\n'
        f'event: response.completed\nid: 9\ndata: {{"type":"response.completed","response":{_DONE},'
        '"sequence_number":9}\n\n'
    )


def test_a_whole_response_byte_for_byte() -> None:
    assert whole(responses, [*_HI, Usage(7, 3, 1, 2)]).decode() == _DONE


def test_usage_that_is_not_known_is_null() -> None:
    assert whole(responses, _HI).decode() == _spelt(completed_at=0, status="completed", output=[_MESSAGE])


def test_an_empty_response_has_no_item() -> None:
    empty = _spelt(completed_at=0, status="completed")
    assert whole(responses, [Finish()]).decode() == empty
    said = stream(responses, (0, [Finish()])).decode()
    assert said.count("\n\n") == 3
    assert said.endswith(
        f'event: response.completed\nid: 2\ndata: {{"type":"response.completed","response":{empty},'
        '"sequence_number":2}\n\n'
    )


def test_nothing_is_sent_for_nothing() -> None:
    encoder = responses.encoder(ENVELOPE, asked_of(responses))
    assert encoder.encode(0, []) == b""
    assert encoder.encode(0, [Usage(1, 1)]) == b""


def test_a_response_is_told_as_it_is_by_now() -> None:
    response = responses.whole(ENVELOPE, asked_of(responses, background=True))
    assert isinstance(response, WholeResponse)
    assert response.so_far().decode() == _spelt(status="queued", background=True)
    said: list[Said] = ["Hi ", TextDelta("thére")]
    assert response.encode(0, said) == b""
    going = _MESSAGE | {"status": "in_progress"}
    assert response.so_far().decode() == _spelt(status="in_progress", background=True, output=[going])
    assert response.items == [going]


def test_line_ends_of_all_kinds_are_escaped_in_plain_texts_and_in_others() -> None:
    end, escaped = "\n\r\x85\u2028\u2029", rb'"delta":"\n\r\u0085\u2028\u2029"'
    assert stream(responses, (0, [TextDelta(end), Finish()])).count(escaped) == 1
    encoder = responses.encoder(ENVELOPE, asked_of(responses))
    assert encoder.encode(0, [end, "é"]).count(escaped) == 1


def test_a_models_name_is_told_whatever_it_is() -> None:
    name = '{}"\u2028"sequence_number":0'
    envelope = type(ENVELOPE)("k1", 1, name)
    encoder = responses.encoder(envelope, asked_of(responses, metadata={"\x01": name}))
    said = encoder.open() + encoder.encode(0, ["a", "\x01"]) + encoder.encode(0, [Finish()]) + encoder.close(0)
    for number, frame in enumerate(said.split(b"\n\n")[:-1]):
        value = json.loads(frame.split(b"data: ", 1)[1])
        assert value["sequence_number"] == number
        assert value.get("response", {"model": name})["model"] == name


def test_plain_texts_go_on_with_their_text_however_they_come() -> None:
    batches: list[list[Said]] = [["a", "b"], ["c"], [TextDelta("d")], ["e", RefusalDelta("no"), "f"], ["g"], [Finish()]]
    encoder = responses.encoder(ENVELOPE, asked_of(responses))
    stream = encoder.open() + b"".join(encoder.encode(0, batch) for batch in batches) + encoder.close(0)
    said = events(stream)
    assert [event["sequence_number"] for event in said] == [*range(len(said))]
    pieces = [(event["content_index"], event["delta"]) for event in said if event["type"].endswith(".delta")]
    assert pieces == [*((0, letter) for letter in "abcde"), (1, "no"), (2, "f"), (2, "g")]
    assert [part.get("text") for part in said[-1]["response"]["output"][0]["content"]] == ["abcde", None, "fg"]
