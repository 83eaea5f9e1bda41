import enum
import re
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mserve.errors import ProgramError
from mserve.events import (
    AudioDelta,
    Citation,
    Event,
    Finish,
    Logprob,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from mserve.programs.speech import Speech
from named import named
from programs.hearing import heard


class Text(str):
    __slots__ = ()


class Modern(enum.StrEnum):
    ASCII = "stop"
    WIDE = "é😀"


class Classic(str, enum.Enum):  # noqa: UP042  # its str() and its text differ, which a StrEnum's do not
    ASCII = "stop"
    WIDE = "é😀"


PIECES = st.text(st.sampled_from("a\ud83d\ude00\ud800\udfff") | st.characters(exclude_categories=()), max_size=5)
TEXTS: dict[str, type[TextDelta | ReasoningDelta | RefusalDelta]] = {
    "text": TextDelta,
    "reasoning": ReasoningDelta,
    "refusal": RefusalDelta,
}
SPOKEN = [*TEXTS, "transcript", "first call", "second call"]
VOICES = st.sampled_from(SPOKEN)
TOKEN = Logprob("t", -1.0)
STRINGS = [Text("plain"), Text("é😀"), *Modern, *Classic]


def said_by(voice: str, piece: str) -> Event:
    if voice == "transcript":
        return AudioDelta(transcript=piece)
    return TEXTS[voice](piece) if voice in TEXTS else ToolCallDelta(voice, piece)


def voice_of(event: Event) -> tuple[str, str]:
    if isinstance(event, ToolCallDelta):
        return event.id, event.arguments
    if isinstance(event, AudioDelta):
        return "transcript", event.transcript
    assert isinstance(event, TextDelta | ReasoningDelta | RefusalDelta)
    return next(voice for voice, kind in TEXTS.items() if isinstance(event, kind)), event.text


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
    whole = dict.fromkeys(SPOKEN, "")
    so_far = dict(whole)
    for voice, piece in spoken:
        whole[voice] += piece
        for who, text in map(voice_of, heard(speech, said_by(voice, piece))):
            so_far[who] += text
        assert so_far == {who: repaired(re.sub("[\ud800-\udbff]$", "", text)) for who, text in whole.items()}
    for who, text in map(voice_of, speech.rest()):
        so_far[who] += text
    assert so_far == {who: repaired(text) for who, text in whole.items()}


@given(VOICES, PIECES)
def test_a_finish_comes_after_what_was_held_back(voice: str, piece: str) -> None:
    speech = Speech()
    said = heard(speech, said_by(voice, piece)) + heard(speech, Finish("length"))
    assert said.pop() == Finish("length")
    assert "".join(text for _, text in map(voice_of, said)) == repaired(piece)
    assert speech.rest() == []


@pytest.mark.parametrize("voice", SPOKEN)
def test_half_a_code_point_that_stays_alone_is_told_as_lost_before_the_end(voice: str) -> None:
    for ends in (lambda speech: heard(speech, Finish("length"))[:-1], Speech.rest):
        speech = Speech()
        assert [voice_of(event) for event in heard(speech, said_by(voice, "a\ud83d"))] == [(voice, "a")]
        assert [voice_of(event) for event in ends(speech)] == [(voice, "\ufffd")]


@given(PIECES, PIECES)
def test_the_id_and_the_name_of_a_call_are_repaired(call: str, name: str) -> None:
    speech = Speech()
    assert heard(speech, ToolCallStart(call, name)) == [ToolCallStart(repaired(call), repaired(name))]
    assert heard(speech, ToolCallDelta(call, "{}")) == [ToolCallDelta(repaired(call), "{}")]


@given(st.lists(PIECES))
def test_a_text_with_tokens_joins_as_any_and_each_token_is_told_at_once(pieces: list[str]) -> None:
    speech = Speech()
    for piece in pieces:
        (event,) = heard(speech, TextDelta(piece, (TOKEN,)))
        assert isinstance(event, TextDelta)
        assert event.logprobs == (TOKEN,)
    other = Speech()
    said = [event for piece in pieces for event in heard(other, TextDelta(piece, (TOKEN,)))] + other.rest()
    assert "".join(text for _, text in map(voice_of, said)) == repaired("".join(pieces))


@pytest.mark.parametrize("logprobs", [(TOKEN,), [TOKEN], iter([TOKEN]), [{"token": "t", "logprob": -1}]], ids=named)
def test_tokens_come_as_ours_in_a_tuple(logprobs: Any) -> None:
    assert heard(Speech(), TextDelta("t", logprobs)) == [TextDelta("t", (TOKEN,))]


@pytest.mark.parametrize("logprobs", [(), [], None], ids=named)
def test_no_tokens_are_none(logprobs: Any) -> None:
    assert heard(Speech(), TextDelta("t", logprobs)) == [TextDelta("t")]
    assert heard(Speech(), TextDelta("", logprobs)) == []
    assert heard(Speech(), TextDelta("\ud83d", logprobs)) == []


@pytest.mark.parametrize("data", [b"ab", bytearray(b"ab"), memoryview(b"ab")], ids=named)
def test_a_sound_comes_out_as_exact_bytes(data: Any) -> None:
    (event,) = heard(Speech(), AudioDelta(data, "said", "a\ud83d", 7))
    assert event == AudioDelta(b"ab", "said", "a\ufffd", 7)
    assert isinstance(event, AudioDelta)
    assert type(event.data) is bytes


def test_a_citation_comes_out_with_whole_texts() -> None:
    assert heard(Speech(), Citation("u\ud83d", "t", 0, 3)) == [Citation("u\ufffd", "t", 0, 3)]


@pytest.mark.parametrize(
    "event", [TextDelta(""), ReasoningDelta(""), RefusalDelta(""), ToolCallDelta("a", ""), ""], ids=named
)
def test_an_empty_text_says_nothing(event: object) -> None:
    assert heard(Speech(), event) == []


@pytest.mark.parametrize("text", STRINGS, ids=named)
def test_a_string_of_any_class_comes_out_as_an_exact_str(text: str) -> None:
    items = (
        *(text, TextDelta(text), ReasoningDelta(text), RefusalDelta(text)),
        *(ToolCallStart(text, text), ToolCallDelta(text, text), Citation(text, text, 0, 0)),
        *(AudioDelta(b"", text, text), TextDelta(text, (Logprob(text, -1.0),))),
    )
    for item in items:
        (event,) = heard(Speech(), item)
        assert str.__str__(text) in msgspec.json.encode(event).decode()  # which refuses any other class
        fields = [getattr(event, name) for name in event.__struct_fields__]
        texts = [field for field in fields if isinstance(field, str) and field != "function"]
        assert set(texts) == {str.__str__(text)}
        assert {type(field) for field in texts} == {str}


@pytest.mark.parametrize("reason", [Text("stop"), Modern.ASCII, Classic.ASCII], ids=named)
def test_a_finish_reason_of_any_class_comes_out_as_an_exact_str(reason: Any) -> None:
    (event,) = heard(Speech(), Finish(reason))
    assert isinstance(event, Finish)
    assert type(event.reason) is str


def wrong_events() -> list[Event]:
    wrong: list[Any] = [None, 1, True, b"text", ["text"], {"a": 1}]
    texts = [kind(value) for value in wrong for kind in (TextDelta, ReasoningDelta, RefusalDelta)]
    calls = [event for value in wrong for event in (ToolCallStart(value, "a"), ToolCallStart("a", value))]
    pieces = [event for value in wrong for event in (ToolCallDelta(value, "a"), ToolCallDelta("a", value))]
    reasons = [Finish(value) for value in [*wrong, "", "function_call"]]
    counts: list[Any] = [None, True, False, -1, 1.0, "1"]
    usages = [Usage(*(value if place == n else 1 for n in range(4))) for place in range(4) for value in counts]
    times: list[Any] = [True, 1.5, "1"]
    sounds = [
        *(AudioDelta(value) for value in wrong if value != b"text"),
        *(AudioDelta(transcript=value) for value in wrong),
        *(AudioDelta(id=value) for value in wrong if value is not None),
        *(AudioDelta(expires_at=value) for value in times),
    ]
    kind: Any = "web"
    others: list[Event] = [ToolCallStart("a", "b", kind), Citation("u", "t", 2, 1), TextDelta("a", [1])]
    return [*texts, *calls, *pieces, *reasons, *usages, *sounds, *others]


@pytest.mark.parametrize("event", wrong_events(), ids=named)
def test_a_field_of_a_wrong_type_is_the_programs_error_and_names_the_field(event: Event) -> None:
    with pytest.raises(ProgramError, match=type(event).__name__):
        heard(Speech(), event)


@given(st.tuples(*[st.integers(min_value=0)] * 4))
def test_numbers_of_tokens_come_through(counts: tuple[int, int, int, int]) -> None:
    assert heard(Speech(), Usage(*counts)) == [Usage(*counts)]
