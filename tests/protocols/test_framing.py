import json

from hypothesis import given
from hypothesis import strategies as st

from mserve.protocols.framing import DONE, PING, frame, json_text, one_line
from protocols.strategies import TEXTS, law

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
)


@law
@given(_VALUES)
def test_a_frame_is_one_line_by_every_reckoning_and_a_blank_one(value: object) -> None:
    made = frame(value)
    assert made.endswith(b"\n\n")
    assert made.decode().splitlines() == [made.decode()[:-2], ""]
    assert len(made.splitlines()) == 2


@law
@given(_VALUES)
def test_a_frame_holds_the_value(value: object) -> None:
    assert json.loads(frame(value).removeprefix(b"data: ")) == value


@law
@given(TEXTS)
def test_a_quoted_text_is_one_line_that_reads_as_the_text(text: str) -> None:
    assert json.loads(one_line(json_text(text))) == text
    assert len(one_line(json_text(text)).decode().splitlines()) == 1


def test_what_unicode_calls_a_line_end_is_escaped_and_nothing_else() -> None:
    assert one_line("\u2028 \u2029 \x85 é 😀".encode()) == "\\u2028 \\u2029 \\u0085 é 😀".encode()


def test_a_ping_is_a_comment_and_the_end_is_openais() -> None:
    assert PING == b": ping\n\n"
    assert DONE == b"data: [DONE]\n\n"
