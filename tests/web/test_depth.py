import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mserve.errors import ClientError
from mserve.web.body import check_depth

VALUES = st.recursive(
    st.text('[]{}"\\a', max_size=6) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('[]{}"\\', max_size=3), inner, max_size=3),
    max_leaves=12,
)


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


def is_deep(body: bytes, most: int) -> bool:
    try:
        check_depth(body, most)
    except ClientError as error:
        return (error.status, error.code) == (400, "invalid_json")
    return False


@given(VALUES, st.integers(0, 4))
def test_a_body_is_too_deep_where_its_values_are_whatever_its_texts_hold(value: Any, most: int) -> None:
    assert is_deep(json.dumps(value).encode(), most) == (depth(value) > most)


@pytest.mark.parametrize("body", [b"[" * 1_000_000, b"[{" * 500_000, b'{"a":' * 300_000])
def test_what_never_closes_is_deep_too(body: bytes) -> None:
    assert is_deep(body, 128)


@pytest.mark.parametrize("body", [b"", b"]]]]", b"}{", b'"[[[[', b"\xff[", b'"\\'])
def test_what_is_no_json_is_left_to_others(body: bytes) -> None:
    assert not is_deep(body, 2)
