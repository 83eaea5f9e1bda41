"""What others say of a response whose process died: nobody who had more of it than what was kept waits for its end."""

import json
import re

import pytest

from mserve.events import Failure, Said
from mserve.options import Limits
from mserve.protocols import responses
from mserve.protocols.base import Envelope

ENVELOPE = Envelope("0" * 32, 0, "m")


def resumed(after: int, *said: Said) -> list[tuple[int, str]]:
    """Give the numbers and names of the events that somebody is told who has all up to a number."""
    asked = responses.decode(b'{"input": "x"}', Limits()).for_reply()
    encoder = responses.encoder(ENVELOPE, asked, after)
    told = b"".join([encoder.open(), encoder.encode(0, said), encoder.close(0)])
    found = [json.loads(line) for line in re.findall(rb"^data: (.*)$", told, re.MULTILINE)]
    numbers = [int(number) for number in re.findall(rb"^id: (.*)$", told, re.MULTILINE)]
    assert [event["sequence_number"] for event in found] == numbers
    return [(event["sequence_number"], event["type"]) for event in found]


@pytest.mark.parametrize("code", ["worker_died", "answer_lost"])
@pytest.mark.parametrize("after", [6, 7, 8, 1000, 2**53 - 2])
def test_the_end_stands_behind_all_that_a_client_has(after: int, code: str) -> None:
    died = Failure(500, "Gone.", code)
    assert resumed(-1, "a", "b", died)[-2:] == [(5, "response.output_text.delta"), (6, "response.failed")]
    assert resumed(5, "a", "b", died) == [(6, "response.failed")]
    assert resumed(after, "a", "b", died) == [(after + 1, "response.failed")]


def test_an_end_that_the_run_has_said_itself_is_told_once() -> None:
    assert resumed(5, "a", "b", Failure(500, "Wrong.", "program_error")) == [(6, "response.failed")]
    assert resumed(6, "a", "b", Failure(500, "Wrong.", "program_error")) == []
    assert resumed(100, "a", "b") == []
