import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mserve.errors import ClientError
from mserve.events import Failure
from mserve.protocols.base import decode_object, encode_error
from protocols.strategies import FAILURES, TEXTS, law


@law
@given(FAILURES)
def test_an_error_has_all_four_keys_whatever_is_known(failure: Failure) -> None:
    body = json.loads(encode_error(failure))
    assert list(body) == ["error"]
    assert list(body["error"]) == ["message", "type", "param", "code"]
    assert (body["error"]["message"], body["error"]["param"], body["error"]["code"]) == (
        failure.message,
        failure.param,
        failure.code,
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "invalid_request_error"),
        (429, "rate_limit_error"),
        (499, "invalid_request_error"),
        (500, "server_error"),
        (599, "server_error"),
    ],
)
def test_an_errors_type_is_openais_for_the_status(status: int, kind: str) -> None:
    assert json.loads(encode_error(Failure(status, "no")))["error"]["type"] == kind


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"a":1',
        b"{}{}",
        b"{'a':1}",
        b'{"a":1,}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":1e999}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":01}',
        b'{"a":"\n"}',
        b'{"a":"\\ud800"}',
        b'{"\\udfff":1}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b"[" * 100_000,
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"[]",
        b"null",
        b'"{}"',
        b"1",
    ],
    ids=lambda body: repr(body[:16]),
)
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(ClientError) as caught:
        decode_object(body)
    assert (caught.value.status, caught.value.code, caught.value.param) == (400, "invalid_json", None)


@law
@given(st.binary())
def test_any_bytes_are_an_object_or_refused_in_words_fit_for_a_reply(body: bytes) -> None:
    refused = None
    try:
        assert decode_object(body) == json.loads(body)
    except ClientError as error:
        refused = error
    if refused is not None:
        assert json.loads(encode_error(Failure(refused.status, refused.message)))["error"]["message"] == str(refused)


@law
@given(st.dictionaries(TEXTS, st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS))
def test_an_object_is_read_as_it_is(value: dict[str, object]) -> None:
    assert decode_object(json.dumps(value).encode()) == value


def test_the_last_of_two_equal_keys_counts() -> None:
    assert decode_object(b'{"a":1,"a":2}') == {"a": 2}
