"""A kept stream that cannot be read to its end: it says so, and not that its response has failed."""

import json

import pytest

from mserve.events import Failure
from mserve.protocols import responses
from mserve.protocols.base import Envelope

ASKED = responses.decode(b'{"input": "x"}')
ENVELOPE = Envelope("key", 7, "m")


@pytest.mark.parametrize("code", [responses.UNREADABLE, responses.GONE])
@pytest.mark.parametrize(("after", "last"), [(-1, 4), (2, 4), (90, 90)])
def test_its_end_has_no_number_of_its_own(code: str, after: int, last: int) -> None:
    encoder = responses.encoder(ENVELOPE, ASKED, after)
    encoder.open()
    encoder.encode(0, ["a"])
    frame = encoder.encode(0, [Failure(503, "not now\u2028", code)]).decode()
    event, data, *rest = frame.splitlines()
    assert (event, rest) == ("event: error", [""])
    assert json.loads(data.removeprefix("data: ")) == {
        "type": "error",
        "code": code,
        "message": "not now\u2028",
        "param": None,
        "sequence_number": last,
    }
    assert encoder.close(9) == b""
