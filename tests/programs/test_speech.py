import enum
import json
import re
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mserve.errors import ProgramError
from mserve.events import Event, Finish, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStart, Usage
from mserve.programs.speech import Speech


class Text(str):
    __slots__ = ()


class Modern(enum.StrEnum):
    ASCII = "stop"
    WIDE = "é😀"


class Classic(str, enum.Enum):  # noqa: UP042  # its str() and its text differ, which a StrEnum's do not
    ASCII = "stop"
    WIDE = "é😀"


PIECES = st.text(st.characters(exclude_categories=()) | st.sampled_from("a\ud83d\ude00\ud800\udfff"), max_size=5)
VOICES = st.sampled_from(["text", "reasoning", "first call", "second call"])
STRINGS = [Text("plain"), Text("é😀"), *Modern, *Classic]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=4,
)


def heard(speech: Speech, item: object) -> list[Event]:
    said = speech.events(item)
    assert said is not None
    assert not isinstance(said, AsyncGenerator)
    return list(said)


def said_by(voice: str, piece: str) -> Event:
    if voice == "text":
        return TextDelta(piece)
    return ReasoningDelta(piece) if voice == "reasoning" else ToolCallDelta(voice, piece)


def voice_of(event: Event) -> tuple[str, str]:
    if isinstance(event, ToolCallDelta):
        return event.id, event.arguments
    assert isinstance(event, TextDelta | ReasoningDelta)
    return ("text" if isinstance(event, TextDelta) else "reasoning"), event.text


def repaired(text: str) -> str:
    def pair(found: re.Match[str]) -> str:
        high, low = map(ord, found[0])
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))

    paired = re.sub("[\ud800-\udbff][\udc00-\udfff]", pair, text)
    return re.sub("[\ud800-\udfff]", "\ufffd", paired)


@given(st.lists(PIECES))
@example(["\ud83d", "", "\ude00"])
@example(["\ud83d", "a"])
@example(["\ud83d", "\ud83d", "a\ude00"])
def test_a_text_joins_to_its_repaired_whole_however_it_is_cut(pieces: list[str]) -> None:
    speech = Speech()
    said = [event for piece in pieces for event in heard(speech, piece)] + speech.rest()
    texts = [text for _, text in map(voice_of, said)]
    assert "".join(texts) == repaired("".join(pieces))
    assert all(text.encode() for text in texts)


@given(st.lists(st.tuples(VOICES, PIECES)))
def test_each_voice_is_repaired_by_itself_and_waits_for_half_a_code_point_at_most(
    spoken: list[tuple[str, str]],
) -> None:
    speech = Speech()
    whole = dict.fromkeys(["text", "reasoning", "first call", "second call"], "")
    so_far = dict(whole)
    for voice, piece in spoken:
        whole[voice] += piece
        for who, text in map(voice_of, heard(speech, said_by(voice, piece))):
            so_far[who] += text
        assert so_far == {who: repaired(re.sub("[\ud800-\udbff]$", "", text)) for who, text in whole.items()}
    for who, text in map(voice_of, speech.rest()):
        so_far[who] += text
    assert so_far == {who: repaired(text) for who, text in whole.items()}


@given(st.sampled_from(["text", "reasoning", "first call"]), PIECES)
def test_a_finish_comes_after_what_was_held_back(voice: str, piece: str) -> None:
    speech = Speech()
    said = heard(speech, said_by(voice, piece)) + heard(speech, Finish("length"))
    assert said.pop() == Finish("length")
    assert "".join(text for _, text in map(voice_of, said)) == repaired(piece)
    assert speech.rest() == []


@given(PIECES, PIECES)
def test_the_id_and_the_name_of_a_call_are_repaired(call: str, name: str) -> None:
    speech = Speech()
    assert heard(speech, ToolCallStart(call, name)) == [ToolCallStart(repaired(call), repaired(name))]
    assert heard(speech, ToolCallDelta(call, "{}")) == [ToolCallDelta(repaired(call), "{}")]


@pytest.mark.parametrize("event", [TextDelta(""), ReasoningDelta(""), ToolCallDelta("a", ""), ""])
def test_an_empty_text_says_nothing(event: object) -> None:
    assert heard(Speech(), event) == []


@pytest.mark.parametrize("text", STRINGS, ids=repr)
def test_a_string_of_any_class_comes_out_as_an_exact_str(text: str) -> None:
    items = (text, TextDelta(text), ReasoningDelta(text), ToolCallStart(text, text), ToolCallDelta(text, text))
    for item in items:
        (event,) = heard(Speech(), item)
        fields = [getattr(event, name) for name in event.__struct_fields__]
        assert set(fields) == {str.__str__(text)}
        assert {type(field) for field in fields} == {str}


@pytest.mark.parametrize("reason", [Text("stop"), Modern.ASCII, Classic.ASCII], ids=repr)
def test_a_finish_reason_of_any_class_comes_out_as_an_exact_str(reason: Any) -> None:
    (event,) = heard(Speech(), Finish(reason))
    assert isinstance(event, Finish)
    assert type(event.reason) is str


def wrong_events() -> list[Event]:
    wrong: list[Any] = [None, 1, True, b"text", ["text"], {"a": 1}]
    texts = [kind(value) for value in wrong for kind in (TextDelta, ReasoningDelta)]
    calls = [event for value in wrong for event in (ToolCallStart(value, "a"), ToolCallStart("a", value))]
    pieces = [event for value in wrong for event in (ToolCallDelta(value, "a"), ToolCallDelta("a", value))]
    reasons = [Finish(value) for value in [*wrong, "", "function_call"]]
    counts: list[Any] = [None, True, False, -1, 1.0, "1"]
    usages = [Usage(*(value if place == n else 1 for n in range(4))) for place in range(4) for value in counts]
    return [*texts, *calls, *pieces, *reasons, *usages]


@pytest.mark.parametrize("event", wrong_events(), ids=repr)
def test_a_field_of_a_wrong_type_is_the_programs_error_and_names_the_field(event: Event) -> None:
    with pytest.raises(ProgramError, match=type(event).__name__):
        heard(Speech(), event)


@given(st.tuples(*[st.integers(min_value=0)] * 4))
def test_numbers_of_tokens_come_through(counts: tuple[int, int, int, int]) -> None:
    assert heard(Speech(), Usage(*counts)) == [Usage(*counts)]


@settings(max_examples=30)
@given(st.dictionaries(st.text(), JSON, max_size=3))
def test_a_dict_is_a_whole_reply_as_json(value: dict[str, Any]) -> None:
    (event,) = heard(Speech(), value)
    assert isinstance(event, TextDelta)
    assert json.loads(event.text) == value


def circular() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["itself"] = value
    return value


@pytest.mark.parametrize(
    "value", [{"a": object()}, {(1, 2): 3}, {"a": "\ud800"}, circular()], ids=["object", "key", "half", "circle"]
)
def test_a_dict_that_is_no_json_is_the_programs_error(value: dict[Any, Any]) -> None:
    with pytest.raises(ProgramError, match="is no JSON"):
        heard(Speech(), value)


@pytest.mark.parametrize("beside", ["text", {}, TextDelta("é"), ReasoningDelta("text"), "\ud800"], ids=repr)
def test_a_whole_reply_stands_alone(beside: object) -> None:
    after, before = Speech(), Speech()
    heard(after, {"a": 1})
    with pytest.raises(ProgramError, match="whole reply"):
        heard(after, beside)
    heard(before, beside)
    with pytest.raises(ProgramError, match="whole reply"):
        heard(before, {"a": 1})


@pytest.mark.parametrize("beside", [Usage(1, 2), Finish(), "", TextDelta(""), ReasoningDelta("")], ids=repr)
def test_what_says_no_text_may_stand_beside_a_whole_reply(beside: object) -> None:
    speech = Speech()
    said = heard(speech, beside) + heard(speech, {}) + heard(speech, beside)
    assert [event for event in said if isinstance(event, TextDelta)] == [TextDelta("{}")]


@pytest.mark.parametrize("item", [None, 1, b"text", [], (), object()], ids=repr)
def test_what_nothing_understands_is_left_to_be_iterated_or_refused(item: object) -> None:
    assert Speech().events(item) is None
