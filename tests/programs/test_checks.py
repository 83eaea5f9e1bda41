import enum
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat.chat_completion_token_logprob import ChatCompletionTokenLogprob, TopLogprob

from mserve.errors import ProgramError
from mserve.events import Citation, Finish, Logprob, ToolCallStart, Usage
from mserve.programs import checks
from named import named
from protocols.strategies import CITATIONS, TEXT_DELTAS, TEXTS, USAGES, law


class Word(enum.StrEnum):
    STOP = "stop"
    CUSTOM = "custom"


_WRONG_TEXTS: list[Any] = [None, 1, True, b"text", ["text"], {"a": 1}]
_WRONG_REASONS: list[Any] = ["", "function_call"]
_WRONG_COUNTS: list[Any] = [None, True, -1, 1.0, "1"]


@given(TEXTS)
def test_a_text_that_is_whole_stays_as_it_is(text: str) -> None:
    assert checks.whole(checks.string(text, "it")) == text


@pytest.mark.parametrize(
    ("text", "whole"),
    [("a\ud83d\ude00", "a😀"), ("\ud83d", "\ufffd"), ("\ude00\ud83d", "\ufffd\ufffd"), ("é\ud83da", "é\ufffda")],
)
def test_surrogates_pair_or_are_lost(text: str, whole: str) -> None:
    assert checks.whole(text) == whole


@pytest.mark.parametrize("value", _WRONG_TEXTS, ids=named)
def test_what_is_no_text_is_named_with_its_type(value: object) -> None:
    with pytest.raises(ProgramError, match=rf"^X\.y is of type {type(value).__name__}, not str$"):
        checks.string(value, "X.y")


def test_a_text_of_another_class_comes_out_as_an_exact_str() -> None:
    assert type(checks.string(Word.STOP, "it")) is str


# ---- calls, citations, usage, finish


@pytest.mark.parametrize("kind", ["function", "custom", Word.CUSTOM])
def test_a_call_is_of_a_known_type_and_its_texts_are_whole(kind: Any) -> None:
    call = checks.tool_call(ToolCallStart("c\ud83d", "\ude00f", kind))
    assert call == ToolCallStart("c\ufffd", "\ufffdf", str(kind))  # type: ignore[arg-type]  # one of both
    assert type(call.type) is str


@pytest.mark.parametrize("kind", ["", "Function", "web_search"])
def test_a_call_of_an_unknown_type_is_refused_with_the_known_ones(kind: Any) -> None:
    with pytest.raises(ProgramError, match=rf"ToolCallStart\.type is '{kind}': it is one of function, custom"):
        checks.tool_call(ToolCallStart("c", "f", kind))


@law
@given(CITATIONS)
def test_a_citation_comes_through(said: Citation) -> None:
    assert checks.citation(said) == said


def test_a_citations_texts_are_whole() -> None:
    assert checks.citation(Citation("\ud83d", "\ude00", 1, 1)) == Citation("\ufffd", "\ufffd", 1, 1)


@pytest.mark.parametrize(("start", "end"), [(1, 0), (9, 8)])
def test_a_citation_does_not_end_before_it_starts(start: int, end: int) -> None:
    with pytest.raises(ProgramError, match=f"it ends at {end}, before its start at {start}"):
        checks.citation(Citation("u", "t", start, end))


@law
@given(USAGES)
def test_a_usage_comes_through(said: Usage) -> None:
    assert checks.usage(said) is said


@pytest.mark.parametrize("reason", ["stop", "length", "tool_calls", "content_filter", Word.STOP])
def test_a_known_reason_comes_through_as_an_exact_str(reason: Any) -> None:
    finish = checks.finish(Finish(reason))
    assert finish == Finish(str(reason))  # type: ignore[arg-type]  # one of the reasons
    assert type(finish.reason) is str


@pytest.mark.parametrize(
    ("check", "said", "field"),
    [
        *((checks.tool_call, ToolCallStart(wrong, "f"), "ToolCallStart.id") for wrong in _WRONG_TEXTS),
        *((checks.tool_call, ToolCallStart("c", wrong), "ToolCallStart.name") for wrong in _WRONG_TEXTS),
        *((checks.tool_call, ToolCallStart("c", "f", wrong), "ToolCallStart.type") for wrong in _WRONG_TEXTS),
        *((checks.citation, Citation(wrong, "t", 0, 0), "Citation.url") for wrong in _WRONG_TEXTS),
        *((checks.citation, Citation("u", wrong, 0, 0), "Citation.title") for wrong in _WRONG_TEXTS),
        *((checks.citation, Citation("u", "t", wrong, 9), "Citation.start") for wrong in _WRONG_COUNTS),
        *((checks.citation, Citation("u", "t", 0, wrong), "Citation.end") for wrong in _WRONG_COUNTS),
        *((checks.usage, Usage(wrong, 0), "Usage.input_tokens") for wrong in _WRONG_COUNTS),
        *((checks.usage, Usage(0, wrong), "Usage.output_tokens") for wrong in _WRONG_COUNTS),
        *((checks.usage, Usage(0, 0, wrong), "Usage.cached_tokens") for wrong in _WRONG_COUNTS),
        *((checks.usage, Usage(0, 0, 0, wrong), "Usage.reasoning_tokens") for wrong in _WRONG_COUNTS),
        *((checks.finish, Finish(wrong), "Finish.reason") for wrong in _WRONG_TEXTS),
        *((checks.finish, Finish(wrong), f"Finish({wrong!r})") for wrong in _WRONG_REASONS),
    ],
    ids=named,
)
def test_a_wrong_field_is_the_programs_error_and_named(check: Any, said: object, field: str) -> None:
    with pytest.raises(ProgramError) as caught:
        check(said)
    assert str(caught.value).startswith(field)


# ---- log probabilities


@law
@given(TEXT_DELTAS.map(lambda said: said.logprobs), st.sampled_from([list, tuple, iter]))
def test_log_probabilities_of_ours_come_through(said: tuple[Logprob, ...], kind: Any) -> None:
    assert checks.logprobs(kind(said)) == said


_READ = Logprob("é", -0.5, (195, 169), (Logprob("é", -0.5), Logprob("e", -2.0, (101,))))


@pytest.mark.parametrize(
    "said",
    [
        ChatCompletionTokenLogprob(
            token="é",
            logprob=-0.5,
            bytes=[195, 169],
            top_logprobs=[TopLogprob(token="é", logprob=-0.5), TopLogprob(token="e", logprob=-2, bytes=[101])],
        ),
        {
            "token": "é",
            "logprob": -0.5,
            "bytes": [195, 169],
            "top_logprobs": [{"token": "é", "logprob": -0.5, "bytes": None}, Logprob("e", -2.0, (101,))],
            "more": 1,
        },
        SimpleNamespace(token="é", logprob=-0.5, bytes=(195, 169), top_logprobs=_READ.top_logprobs),
    ],
    ids=["SDK", "dict", "object"],
)
def test_log_probabilities_are_read_by_openais_names(said: object) -> None:
    assert checks.logprobs([said]) == (_READ,)


def test_what_may_be_left_out_of_a_log_probability() -> None:
    bare = (Logprob("a", -1.0),)
    assert checks.logprobs([{"token": "a", "logprob": -1}]) == bare
    assert checks.logprobs([{"token": "a", "logprob": -1, "bytes": None, "top_logprobs": None}]) == bare


def test_a_log_probability_is_made_fit_for_json() -> None:
    (token,) = checks.logprobs([Logprob("\ud83d", -1, None, (Logprob("\ude00", float("-inf")),))])
    assert token == Logprob("\ufffd", -1.0, None, (Logprob("\ufffd", -9999.0),))
    assert type(token.logprob) is float
    (other,) = checks.logprobs([Logprob(Word.STOP, -1.0, None, (Logprob(Word.STOP, -1.0),))])
    assert {type(one.token) for one in (other, *other.top_logprobs)} == {str}


def _circle() -> dict[str, Any]:
    token: dict[str, Any] = {"token": "a", "logprob": -1.0}
    token["top_logprobs"] = [token]
    return token


_WRONG_NUMBERS: list[Any] = [None, "x", True, float("nan"), float("inf"), 10**400]
_WRONG_BYTES: list[Any] = ["a", (256,), (-1,), (None,), 1]
_WRONG_OTHERS: list[Any] = [1, "a", (None,), (Logprob("a", float("nan")),)]
_WRONG: list[Any] = [
    *(1, "ab", object(), [None], ["a"], [{}], [{"token": "a"}], [{"logprob": -1.0}]),
    *([Logprob(wrong, -1.0)] for wrong in _WRONG_TEXTS),
    *([Logprob("a", wrong)] for wrong in _WRONG_NUMBERS),
    *([Logprob("a", -1.0, wrong)] for wrong in _WRONG_BYTES),
    *([Logprob("a", -1.0, None, wrong)] for wrong in _WRONG_OTHERS),
    [_circle()],
]


@pytest.mark.parametrize("said", _WRONG, ids=lambda said: named(said)[:60])
def test_what_is_no_log_probability_is_the_programs_error(said: Any) -> None:
    with pytest.raises(ProgramError, match=r"^TextDelta\.logprobs are not understood: "):
        checks.logprobs(said)
