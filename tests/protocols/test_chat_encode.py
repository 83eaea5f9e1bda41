import pytest

from mserve.events import (
    Failure,
    Finish,
    ReasoningDelta,
    RunEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from mserve.protocols.base import Envelope
from mserve.protocols.chat_completions import encode_reply, encoder
from mserve.request import Request
from mserve.transcript import Reply, ToolCall, Transcript

_ENVELOPE = Envelope("k1", 1700000000, "m")
_HEAD = b'{"id":"chatcmpl-k1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":['
_DONE = b"data: [DONE]\n\n"

_TWO_CALLS: list[RunEvent] = [
    ToolCallStart("c1", "f"),
    ToolCallStart("c2", "g"),
    ToolCallDelta("c2", '{"x"'),
    ToolCallDelta("c1", "{}"),
    ToolCallDelta("c2", ":1}"),
    Finish("tool_calls"),
]


def _stream(events: list[RunEvent], options: dict[str, bool] | None = None) -> bytes:
    stream = encoder(_ENVELOPE, Request(messages=[], stream=True, stream_options=options))
    return stream.encode(events) + stream.close()


def _whole(events: list[RunEvent]) -> bytes:
    transcript = Transcript()
    for event in events:
        transcript.add(event)
    return encode_reply(_ENVELOPE, transcript.reply())


def _delta(delta: bytes, reason: bytes = b"null") -> bytes:
    return b"data: " + _HEAD + b'{"index":0,"delta":' + delta + b',"finish_reason":' + reason + b"}]}\n\n"


def _call(index: int, piece: bytes) -> bytes:
    return _delta(b'{"tool_calls":[{"index":%d,' % index + piece + b"}]}")


def _body(message: bytes, reason: bytes, rest: bytes = b"") -> bytes:
    head = b'{"id":"chatcmpl-k1","object":"chat.completion","created":1700000000,"model":"m","choices":['
    message = b'{"role":"assistant",' + message + b"}"
    choice = b'{"index":0,"message":' + message + b',"logprobs":null,"finish_reason":"' + reason + b'"}'
    return head + choice + b"]" + rest + b"}"


_ROLE = _delta(b'{"role":"assistant"}')
_STOP = _delta(b"{}", b'"stop"')


def test_a_small_stream_byte_for_byte() -> None:
    assert _stream([TextDelta("Hi "), TextDelta("thére"), Finish()]).decode() == (
        'data: {"id":"chatcmpl-k1","object":"chat.completion.chunk","created":1700000000,"model":"m",'
        '"choices":[{"index":0,"delta":{"role":"assistant"},"finish_reason":null}]}\n\n'
        'data: {"id":"chatcmpl-k1","object":"chat.completion.chunk","created":1700000000,"model":"m",'
        '"choices":[{"index":0,"delta":{"content":"Hi "},"finish_reason":null}]}\n\n'
        'data: {"id":"chatcmpl-k1","object":"chat.completion.chunk","created":1700000000,"model":"m",'
        '"choices":[{"index":0,"delta":{"content":"thére"},"finish_reason":null}]}\n\n'
        'data: {"id":"chatcmpl-k1","object":"chat.completion.chunk","created":1700000000,"model":"m",'
        '"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
        "data: [DONE]\n\n"
    )


def test_reasoning_goes_out_under_both_of_its_names() -> None:
    assert _stream([ReasoningDelta("hm"), TextDelta("Hi"), Finish("length")]) == (
        _ROLE
        + _delta(b'{"reasoning_content":"hm","reasoning":"hm"}')
        + _delta(b'{"content":"Hi"}')
        + _delta(b"{}", b'"length"')
        + _DONE
    )


def test_interleaved_calls_keep_their_indexes_and_say_their_names_once() -> None:
    assert _stream(_TWO_CALLS) == (
        _ROLE
        + _call(0, b'"id":"c1","type":"function","function":{"name":"f","arguments":""}')
        + _call(1, b'"id":"c2","type":"function","function":{"name":"g","arguments":""}')
        + _call(1, b'"function":{"arguments":"{\\"x\\""}')
        + _call(0, b'"function":{"arguments":"{}"}')
        + _call(1, b'"function":{"arguments":":1}"}')
        + _delta(b"{}", b'"tool_calls"')
        + _DONE
    )


def test_usage_that_was_asked_for_is_the_last_chunk_and_adds_up() -> None:
    events: list[RunEvent] = [Usage(3, 1), TextDelta("Hi"), Finish(), Usage(4, 2, 1, 2)]
    usage = (
        b'"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10,'
        b'"prompt_tokens_details":{"cached_tokens":1},"completion_tokens_details":{"reasoning_tokens":2}}'
    )
    assert _stream(events, {"include_usage": True}) == (
        _ROLE + _delta(b'{"content":"Hi"}') + _STOP + b"data: " + _HEAD + b"]," + usage + b"}\n\n" + _DONE
    )


@pytest.mark.parametrize("options", [None, {}, {"include_usage": False}, {"include_obfuscation": True}], ids=repr)
def test_usage_that_was_not_asked_for_is_not_sent(options: dict[str, bool] | None) -> None:
    assert _stream([TextDelta("Hi"), Finish(), Usage(3, 1)], options) == (
        _ROLE + _delta(b'{"content":"Hi"}') + _STOP + _DONE
    )


def test_usage_that_is_not_known_is_not_sent() -> None:
    assert _stream([Finish()], {"include_usage": True}) == _ROLE + _STOP + _DONE


def test_a_failure_first_is_the_only_frame() -> None:
    assert _stream([Failure(503, "busy", "overloaded")]) == (
        b'data: {"error":{"message":"busy","type":"server_error","param":null,"code":"overloaded"}}\n\n' + _DONE
    )


def test_a_failure_in_the_middle_ends_the_stream_without_a_finish() -> None:
    assert _stream([TextDelta("Hi"), Failure(400, "no\u2028", param="seed")]) == (
        _ROLE
        + _delta(b'{"content":"Hi"}')
        + b'data: {"error":{"message":"no\\u2028","type":"invalid_request_error","param":"seed","code":null}}\n\n'
        + _DONE
    )


def test_nothing_follows_a_failure_but_the_end_not_even_the_usage() -> None:
    assert _stream([Usage(3, 1), Failure(500, "no")], {"include_usage": True}) == (
        b'data: {"error":{"message":"no","type":"server_error","param":null,"code":null}}\n\n' + _DONE
    )


def test_an_empty_reply_still_has_its_role_and_its_end() -> None:
    assert _stream([Finish()]) == _ROLE + _STOP + _DONE


def test_the_role_waits_for_the_first_thing_said() -> None:
    stream = encoder(_ENVELOPE, Request(messages=[]))
    assert stream.encode([]) == b""
    assert stream.encode([Usage(1, 1)]) == b""
    assert stream.encode([TextDelta("Hi")]) == _ROLE + _delta(b'{"content":"Hi"}')


def test_line_ends_of_all_kinds_are_escaped_in_every_delta() -> None:
    end, escaped = "\n\r\x85\u2028\u2029", rb'"\n\r\u0085\u2028\u2029"'
    assert _stream([TextDelta(end), ReasoningDelta(end), ToolCallStart("c", end), ToolCallDelta("c", end)]) == (
        _ROLE
        + _delta(b'{"content":' + escaped + b"}")
        + _delta(b'{"reasoning_content":' + escaped + b',"reasoning":' + escaped + b"}")
        + _call(0, b'"id":"c","type":"function","function":{"name":' + escaped + b',"arguments":""}')
        + _call(0, b'"function":{"arguments":' + escaped + b"}")
        + _DONE
    )


def test_a_models_name_is_told_whatever_it_is() -> None:
    stream = encoder(Envelope("k", 1, '{}"\u2028{"delta":{}}'), Request(messages=[]))
    assert stream.encode([Finish()]).count(rb'"model":"{}\"\u2028{\"delta\":{}}","choices":[{"index":0,"delta":{') == 2


def test_a_whole_reply_byte_for_byte() -> None:
    assert _whole([TextDelta("Hi "), TextDelta("thére"), Finish(), Usage(7, 3)]).decode() == (
        '{"id":"chatcmpl-k1","object":"chat.completion","created":1700000000,"model":"m","choices":[{"index":0,'
        '"message":{"role":"assistant","content":"Hi thére","refusal":null},"logprobs":null,"finish_reason":"stop"}],'
        '"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}'
    )


def test_a_whole_replys_reasoning_stands_apart_from_its_text() -> None:
    reasoning = b'"reasoning_content":"hm","reasoning":"hm"'
    assert _whole([ReasoningDelta("hm"), TextDelta("Hi"), Finish("length")]) == (
        _body(b'"content":"Hi","refusal":null,' + reasoning, b"length")
    )


def test_a_whole_replys_calls_leave_its_content_null() -> None:
    calls = (
        b'"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}},'
        b'{"id":"c2","type":"function","function":{"name":"g","arguments":"{\\"x\\":1}"}}]'
    )
    assert _whole(_TWO_CALLS) == _body(b'"content":null,"refusal":null,' + calls, b"tool_calls")
    assert _whole([TextDelta("Hi"), *_TWO_CALLS]) == _body(b'"content":"Hi","refusal":null,' + calls, b"tool_calls")


def test_a_whole_replys_usage_has_details_only_where_there_are_some() -> None:
    usage = b',"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10%s}'
    cached = usage % b',"prompt_tokens_details":{"cached_tokens":1}'
    thought = usage % b',"completion_tokens_details":{"reasoning_tokens":2}'
    empty = b'"content":"","refusal":null'
    assert _whole([Usage(7, 3, cached_tokens=1)]) == _body(empty, b"stop", cached)
    assert _whole([Usage(7, 3, reasoning_tokens=2)]) == _body(empty, b"stop", thought)


def test_an_empty_whole_reply_has_an_empty_string_and_no_usage() -> None:
    assert _whole([Finish()]) == _body(b'"content":"","refusal":null', b"stop")


def test_a_whole_reply_that_was_cut_keeps_the_call_as_far_as_it_came() -> None:
    reply = Reply(text="", reasoning="", calls=(ToolCall("c", "f", '{"a'),), usage=None, reason="content_filter")
    call = b'{"id":"c","type":"function","function":{"name":"f","arguments":"{\\"a"}}'
    assert encode_reply(_ENVELOPE, reply) == (
        _body(b'"content":null,"refusal":null,"tool_calls":[' + call + b"]", b"content_filter")
    )
