import pytest
from hypothesis import given
from hypothesis import strategies as st

from mserve.errors import ProgramError
from mserve.events import (
    AudioDelta,
    Citation,
    Event,
    Failure,
    Finish,
    FinishReason,
    Logprob,
    ReasoningDelta,
    RefusalDelta,
    RunEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    ToolType,
    Usage,
)
from mserve.transcript import CUT, Audio, Order, Reply, ToolCall, Transcript, starts, total
from protocols.strategies import COUNTS, LOGS, REASONS, USAGES, finished_logs, law, recut, speeches

_IDS = st.sampled_from(["a", "b"])
_TOOLS: list[ToolType] = ["function", "custom"]
_ANY_EVENT: st.SearchStrategy[Event] = st.one_of(
    st.builds(TextDelta, st.just("t")),
    st.builds(ReasoningDelta, st.just("r")),
    st.builds(RefusalDelta, st.just("r")),
    st.builds(AudioDelta, st.just(b"a")),
    st.builds(Citation, st.just("u"), st.just("t"), st.just(0), st.just(1)),
    st.builds(ToolCallStart, _IDS, st.just("f"), st.sampled_from(_TOOLS)),
    st.builds(ToolCallDelta, _IDS, st.sampled_from(["", "{", "}"])),
    st.builds(Usage, st.just(1), st.just(1)),
    st.builds(Finish, st.just("stop")),
)


def _is_breach(before: list[Event], event: Event) -> bool:
    """Judge by the words of the contract, with nothing kept from event to event."""
    if any(isinstance(earlier, Finish) for earlier in before) and not isinstance(event, Usage):
        return True
    started = [earlier.id for earlier in before if isinstance(earlier, ToolCallStart)]
    return (isinstance(event, ToolCallStart) and event.id in started) or (
        isinstance(event, ToolCallDelta) and event.id not in started
    )


def _admits(order: Order, event: Event) -> bool:
    try:
        order.admit(event)
    except ProgramError:
        return False
    if isinstance(event, Finish):
        order.ending(event.reason)
    return True


def _admitted(events: list[Event]) -> Order:
    order = Order()
    for event in events:
        order.admit(event)
    return order


def _fold(log: list[RunEvent]) -> Transcript:
    transcript = Transcript()
    for event in log:
        transcript.add(event)
    return transcript


def _arguments(said: list[Event]) -> dict[str, str]:
    """Give each started call with its arguments."""
    calls = {event.id: "" for event in said if isinstance(event, ToolCallStart)}
    for event in said:
        if isinstance(event, ToolCallDelta):
            calls[event.id] += event.arguments
    return calls


def _audio(said: list[AudioDelta]) -> Audio | None:
    if not said:
        return None
    ids: list[str | None] = [piece.id for piece in said if piece.id is not None]
    times: list[int | None] = [piece.expires_at for piece in said if piece.expires_at is not None]
    data, transcript = b"".join(piece.data for piece in said), "".join(piece.transcript for piece in said)
    return Audio(data, transcript, [*ids, None][0], [*times, None][0])


@law
@given(st.lists(_ANY_EVENT, max_size=12))
def test_order_admits_an_event_exactly_where_the_contract_does(events: list[Event]) -> None:
    order = Order()
    for number, event in enumerate(events):
        breach = _is_breach(events[:number], event)
        assert _admits(order, event) is not breach
        if breach:
            break


@pytest.mark.parametrize(
    ("said", "event", "text"),
    [
        ([ToolCallStart("c1", "f")], ToolCallStart("c1", "g"), "the tool call 'c1' was started twice"),
        ([], ToolCallDelta("c1", "{}"), "arguments for the tool call 'c1', which was never started"),
    ],
)
def test_a_breach_names_the_call(said: list[Event], event: Event, text: str) -> None:
    with pytest.raises(ProgramError, match=f"^{text}$"):
        _admitted(said).admit(event)


def test_a_breach_after_the_finish_names_the_event() -> None:
    order = Order()
    order.ending("stop")
    with pytest.raises(ProgramError, match=r"^TextDelta after the Finish: only Usage may follow it$"):
        order.admit(TextDelta("late"))


@law
@given(speeches(), REASONS)
def test_an_ending_finishes_once_and_last(said: list[Event], reason: FinishReason | None) -> None:
    order = _admitted(said)
    assert not order.finished
    *before, last = order.ending(reason)
    assert order.finished
    assert isinstance(last, Finish)
    assert all(isinstance(event, ToolCallDelta) for event in before)


@law
@given(speeches(), REASONS)
def test_a_reply_ends_with_its_cut_or_with_tool_calls_exactly_where_it_called(
    said: list[Event], reason: FinishReason | None
) -> None:
    called = any(isinstance(event, ToolCallStart) for event in said)
    expected = reason if reason in ("length", "content_filter") else "tool_calls" if called else "stop"
    assert _admitted(said).ending(reason)[-1] == Finish(expected)


@law
@given(speeches(), REASONS)
def test_an_ending_gives_an_empty_object_to_each_function_without_arguments_unless_cut(
    said: list[Event], reason: FinishReason | None
) -> None:
    functions = {event.id for event in said if isinstance(event, ToolCallStart) and event.type == "function"}
    bare = [call for call, arguments in _arguments(said).items() if not arguments and call in functions]
    expected = [] if reason in CUT else [ToolCallDelta(call, "{}") for call in bare]
    assert _admitted(said).ending(reason)[:-1] == expected


def test_empty_arguments_are_none() -> None:
    order = _admitted([ToolCallStart("c1", "f"), ToolCallDelta("c1", "")])
    assert order.ending(None) == [ToolCallDelta("c1", "{}"), Finish("tool_calls")]


def test_a_custom_tool_may_get_an_empty_text() -> None:
    assert _admitted([ToolCallStart("c1", "sql", "custom")]).ending(None) == [Finish("tool_calls")]


@law
@given(speeches(), REASONS)
def test_an_answer_is_not_cut_refuses_nothing_and_calls_no_tool(said: list[Event], reason: FinishReason | None) -> None:
    other = any(isinstance(event, ToolCallStart | RefusalDelta) for event in said)
    assert _admitted(said).answers(reason) is not (other or reason in ("length", "content_filter"))


@law
@given(finished_logs())
def test_a_reply_holds_all_that_was_said(log: list[RunEvent]) -> None:
    reply = _fold(log).reply()
    said = [event for event in log if not isinstance(event, Failure)]
    assert reply.text == "".join(event.text for event in log if isinstance(event, TextDelta))
    assert reply.reasoning == "".join(event.text for event in log if isinstance(event, ReasoningDelta))
    assert reply.refusal == "".join(event.text for event in log if isinstance(event, RefusalDelta))
    assert list(reply.logprobs) == [t for event in log if isinstance(event, TextDelta) for t in event.logprobs]
    assert list(reply.citations) == [event for event in log if isinstance(event, Citation)]
    assert reply.audio == _audio([event for event in log if isinstance(event, AudioDelta)])
    assert {call.id: call.arguments for call in reply.calls} == _arguments(said)
    assert [Finish(reply.reason)] == [event for event in log if isinstance(event, Finish)]


@law
@given(finished_logs())
def test_calls_stand_in_the_order_of_their_starts(log: list[RunEvent]) -> None:
    started = [(event.id, event.name, event.type) for event in log if isinstance(event, ToolCallStart)]
    assert [(call.id, call.name, call.type) for call in _fold(log).reply().calls] == started


@law
@given(finished_logs())
def test_tokens_start_where_their_piece_does_and_follow_each_other(log: list[RunEvent]) -> None:
    pieces = [event for event in log if isinstance(event, TextDelta)]
    places = [
        len("".join(piece.text for piece in pieces[:number])) + len("".join(t.token for t in piece.logprobs[:place]))
        for number, piece in enumerate(pieces)
        for place in range(len(piece.logprobs))
    ]
    assert list(_fold(log).reply().starts) == places


def test_tokens_start_at_a_place_and_follow_each_other() -> None:
    assert list(starts([Logprob("ab", -1.0), Logprob("é", -1.0), Logprob("", -1.0)], 5)) == [5, 7, 8]


@pytest.mark.parametrize(
    ("pieces", "audio"),
    [
        ([AudioDelta()], Audio(b"", "", None, None)),
        ([AudioDelta(b"a", "x"), AudioDelta(b"b", "y")], Audio(b"ab", "xy", None, None)),
        ([AudioDelta(), AudioDelta(id="", expires_at=0), AudioDelta(id="i", expires_at=1)], Audio(b"", "", "", 0)),
        ([AudioDelta(id="i"), AudioDelta(expires_at=1)], Audio(b"", "", "i", 1)),
    ],
    ids=repr,
)
def test_a_recording_joins_and_the_first_id_and_time_that_are_known_stand(pieces: list[RunEvent], audio: Audio) -> None:
    assert _fold(pieces).reply().audio == audio


@law
@given(st.data(), LOGS)
def test_cutting_elsewhere_folds_into_the_same_reply(data: st.DataObject, log: list[RunEvent]) -> None:
    whole, cut = _fold(log), _fold(data.draw(recut(log)))
    assert (cut.reply(), cut.failure) == (whole.reply(), whole.failure)


@law
@given(LOGS)
def test_a_failure_is_kept_exactly_where_a_run_failed(log: list[RunEvent]) -> None:
    assert _fold(log).failure == (log[-1] if isinstance(log[-1], Failure) else None)


@law
@given(st.lists(st.tuples(COUNTS, COUNTS, COUNTS, COUNTS), min_size=1))
def test_usages_add_up(counts: list[tuple[int, int, int, int]]) -> None:
    usage = _fold([Usage(*count) for count in counts]).reply().usage
    assert usage == Usage(*(sum(column) for column in zip(*counts, strict=True)))


@law
@given(USAGES)
def test_a_first_usage_is_itself(usage: Usage) -> None:
    assert total(None, usage) == usage


def test_nothing_said_is_an_empty_reply() -> None:
    assert Transcript().reply() == Reply(
        text="",
        logprobs=(),
        starts=(),
        reasoning="",
        refusal="",
        calls=(),
        citations=(),
        audio=None,
        usage=None,
        reason="stop",
    )


def test_a_reply_can_be_read_before_its_end() -> None:
    transcript = _fold([TextDelta("so "), ToolCallStart("c1", "f"), ToolCallDelta("c1", '{"a"')])
    assert transcript.reply() == Reply(text="so ", calls=(ToolCall("c1", "f", '{"a"'),))
    transcript.add(TextDelta("far"))
    assert transcript.reply().text == "so far"
