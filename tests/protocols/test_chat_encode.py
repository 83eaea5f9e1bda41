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
from mserve.protocols import chat_completions
from mserve.protocols.base import Encoder, Envelope
from protocols.golden import CHUNK, DONE, ENVELOPE, ROLE, STOP, body, choice, delta, stream, whole
from protocols.talks import asked_of

_TWO_CALLS: list[RunEvent] = [
    ToolCallStart("c1", "f"),
    ToolCallStart("c2", "g"),
    ToolCallDelta("c2", '{"x"'),
    ToolCallDelta("c1", "{}"),
    ToolCallDelta("c2", ":1}"),
    Finish("tool_calls"),
]


def _stream(events: list[RunEvent], options: dict[str, bool] | None = None) -> bytes:
    return stream(chat_completions, (0, events), stream_options=options)


def _whole(events: list[RunEvent]) -> bytes:
    return whole(chat_completions, events)


def _encoder(envelope: Envelope = ENVELOPE) -> Encoder:
    return chat_completions.encoder(envelope, asked_of(chat_completions))


def _call(index: int, piece: bytes) -> bytes:
    return delta(b'{"tool_calls":[{"index":%d,' % index + piece + b"}]}")


def _body(message: bytes, reason: bytes, rest: bytes = b"") -> bytes:
    return body(choice(message, reason), rest=rest)


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
        ROLE
        + delta(b'{"reasoning_content":"hm","reasoning":"hm"}')
        + delta(b'{"content":"Hi"}')
        + delta(b"{}", b'"length"')
        + DONE
    )


def test_interleaved_calls_keep_their_indexes_and_say_their_names_once() -> None:
    assert _stream(_TWO_CALLS) == (
        ROLE
        + _call(0, b'"id":"c1","type":"function","function":{"name":"f","arguments":""}')
        + _call(1, b'"id":"c2","type":"function","function":{"name":"g","arguments":""}')
        + _call(1, b'"function":{"arguments":"{\\"x\\""}')
        + _call(0, b'"function":{"arguments":"{}"}')
        + _call(1, b'"function":{"arguments":":1}"}')
        + delta(b"{}", b'"tool_calls"')
        + DONE
    )


def test_usage_that_was_asked_for_is_the_last_chunk_and_adds_up() -> None:
    events: list[RunEvent] = [Usage(3, 1), TextDelta("Hi"), Finish(), Usage(4, 2, 1, 2)]
    usage = (
        b'"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10,'
        b'"prompt_tokens_details":{"cached_tokens":1},"completion_tokens_details":{"reasoning_tokens":2}}'
    )
    assert _stream(events, {"include_usage": True}) == (
        ROLE + delta(b'{"content":"Hi"}') + STOP + b"data: " + CHUNK + b"]," + usage + b"}\n\n" + DONE
    )


@pytest.mark.parametrize("options", [None, {}, {"include_usage": False}, {"include_obfuscation": True}], ids=repr)
def test_usage_that_was_not_asked_for_is_not_sent(options: dict[str, bool] | None) -> None:
    assert _stream([TextDelta("Hi"), Finish(), Usage(3, 1)], options) == (
        ROLE + delta(b'{"content":"Hi"}') + STOP + DONE
    )


def test_usage_that_is_not_known_is_not_sent() -> None:
    assert _stream([Finish()], {"include_usage": True}) == ROLE + STOP + DONE


def test_a_failure_first_is_the_only_frame() -> None:
    assert _stream([Failure(503, "busy", "overloaded")]) == (
        b'data: {"error":{"message":"busy","type":"server_error","param":null,"code":"overloaded"}}\n\n' + DONE
    )


def test_a_failure_in_the_middle_ends_the_stream_without_a_finish() -> None:
    assert _stream([TextDelta("Hi"), Failure(400, "no\u2028", param="seed")]) == (
        ROLE
        + delta(b'{"content":"Hi"}')
        + b'data: {"error":{"message":"no\\u2028","type":"invalid_request_error","param":"seed","code":null}}\n\n'
        + DONE
    )


def test_nothing_follows_a_failure_but_the_end_not_even_the_usage() -> None:
    assert _stream([Usage(3, 1), Failure(500, "no")], {"include_usage": True}) == (
        b'data: {"error":{"message":"no","type":"server_error","param":null,"code":null}}\n\n' + DONE
    )


def test_an_empty_reply_still_has_its_role_and_its_end() -> None:
    assert _stream([Finish()]) == ROLE + STOP + DONE


def test_the_role_waits_for_the_first_thing_said() -> None:
    encoder = _encoder()
    assert encoder.encode(0, []) == b""
    assert encoder.encode(0, [Usage(1, 1)]) == b""
    assert encoder.encode(0, [TextDelta("Hi")]) == ROLE + delta(b'{"content":"Hi"}')


def test_line_ends_of_all_kinds_are_escaped_in_everydelta() -> None:
    end, escaped = "\n\r\x85\u2028\u2029", rb'"\n\r\u0085\u2028\u2029"'
    assert _stream([TextDelta(end), ReasoningDelta(end), ToolCallStart("c", end), ToolCallDelta("c", end)]) == (
        ROLE
        + delta(b'{"content":' + escaped + b"}")
        + delta(b'{"reasoning_content":' + escaped + b',"reasoning":' + escaped + b"}")
        + _call(0, b'"id":"c","type":"function","function":{"name":' + escaped + b',"arguments":""}')
        + _call(0, b'"function":{"arguments":' + escaped + b"}")
        + DONE
    )


def test_a_models_name_is_told_whatever_it_is() -> None:
    encoder = _encoder(Envelope("k", 1, '{}"\u2028{"delta":{}}'))
    assert (
        encoder.encode(0, [Finish()]).count(rb'"model":"{}\"\u2028{\"delta\":{}}","choices":[{"index":0,"delta":{') == 2
    )


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
        b'"tool_calls":[{"type":"function","id":"c1","function":{"name":"f","arguments":"{}"}},'
        b'{"type":"function","id":"c2","function":{"name":"g","arguments":"{\\"x\\":1}"}}]'
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
    call = b'{"type":"function","id":"c","function":{"name":"f","arguments":"{\\"a"}}'
    said: list[RunEvent] = [ToolCallStart("c", "f"), ToolCallDelta("c", '{"a'), Finish("content_filter")]
    assert _whole(said) == (_body(b'"content":null,"refusal":null,"tool_calls":[' + call + b"]", b"content_filter"))
