import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mserve.errors import ClientError
from mserve.options import Limits
from mserve.web.structure import check_structure

VALUES = st.recursive(
    st.text('[]{}"\\a\n\x01', max_size=6) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('[]{}"\\', max_size=3), inner, max_size=3),
    max_leaves=12,
)


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


def count(value: Any) -> int:
    """Count the brackets that open, and the commas."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(0, len(inner) - 1) + sum(map(count, inner))


def refusal(body: bytes, depth: int = 900, values: int = 1_000_000) -> str | None:
    try:
        check_structure(body, Limits(max_depth=depth, max_values=values))
    except ClientError as error:
        return f"{error.status} {error.code} {error}"
    return None


@given(VALUES, st.integers(0, 4))
def test_a_body_is_too_deep_where_its_values_are_whatever_its_texts_hold(value: Any, most: int) -> None:
    body = json.dumps(value).encode()
    assert refusal(body, most) == (
        f"400 invalid_json The request body is nested more than {most} levels deep." if depth(value) > most else None
    )


@given(VALUES, st.integers(0, 8))
def test_it_has_too_many_values_where_there_are_whatever_its_texts_hold(value: Any, most: int) -> None:
    body = json.dumps(value).encode()
    said = f"400 invalid_json The request body holds more than {most} values." if count(value) > most else None
    assert refusal(body, values=most) == said


def test_texts_hide_no_depth() -> None:
    body = b'["]",' * 200 + b"0" + b',"["]' * 200
    assert json.loads(body)
    assert refusal(body, 128) == "400 invalid_json The request body is nested more than 128 levels deep."


@pytest.mark.parametrize("body", [b"[" * 400_000, b"[{" * 200_000, b'{"a":' * 300_000])
def test_what_never_closes_is_deep_too(body: bytes) -> None:
    assert refusal(body, 128) == "400 invalid_json The request body is nested more than 128 levels deep."


@pytest.mark.parametrize("body", [b"", b"]]]]", b"}{", b'"[[[[', b"\xff[", b'"\\', b'"\\"[[['])
def test_what_is_no_json_is_left_to_others(body: bytes) -> None:
    assert refusal(body, 2) is None


@pytest.mark.parametrize(
    "unit",
    [
        b"[" * 120 + b"]" * 120 + b",",
        b"[],",
        b'"[",',
        b"0,",
        b'"' + b"[{" * 50_000 + b'",',
        b'"\\"\\"",',
        b'"' + b'\\"' * 16_000_000 + b'",',
    ],
)
def test_the_largest_body_is_judged_in_a_moment(unit: bytes) -> None:
    body = b"[" + unit * (Limits().max_body // len(unit)) + b"0]"
    started = time.process_time()
    refused = refusal(body, 128, Limits().max_values)
    assert time.process_time() - started < 2
    assert refused is not None or len(unit) > 10_000
