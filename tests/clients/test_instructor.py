"""Instructor against a real server: the script `python/instructor_asks.py`, and what it must have seen."""

import pytest

from clients.python_scripts import FAILED, NESTED, SAID, TRIP, Environment, Told
from processes import ServerProcess

MODES = ["TOOLS", "JSON", "JSON_SCHEMA"]


@pytest.fixture(scope="module")
def told(agent: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Told:
    return Told(Environment("openai-2", tmp_path_factory.mktemp("home")), "instructor_asks", agent.base_url)


@pytest.mark.parametrize("mode", MODES)
def test_instances_come_with_their_reply(told: Told, mode: str) -> None:
    reason = "tool_calls" if mode == "TOOLS" else "stop"
    assert told("asked")[mode] == {"values": [TRIP, NESTED], "reason": reason, "usage": 12}


@pytest.mark.parametrize("mode", MODES)
def test_an_instance_grows_key_by_key(told: Told, mode: str) -> None:
    grown = told("growing")[mode]
    known = [sum(value is not None for value in part.values()) for part in grown]
    assert known == sorted(known)
    assert set(known) == {0, 1, 2, 3}
    assert grown[-1] == TRIP


@pytest.mark.parametrize("mode", MODES)
def test_the_async_way_gets_the_same_whole_and_growing(told: Told, mode: str) -> None:
    assert told("asked_async")[mode] == [TRIP, TRIP]


def test_a_list_is_streamed(told: Told) -> None:
    assert told("iterable") == [True, [{"name": "Lisbon", "booked": True}]]


def test_words_are_words(told: Told) -> None:
    assert told("words") == SAID


def test_an_answer_that_does_not_fit_is_asked_for_again_and_then_told(told: Told) -> None:
    misfit = told("misfit")
    assert misfit["class"] == "InstructorRetryException"
    assert "String should have at most 2 characters" in misfit["text"]
    assert "The tools said: Validation Error" in misfit["text"]


def test_refusals_and_failures_keep_their_words(told: Told) -> None:
    refused, failed = told("refused")
    assert refused["text"].startswith("Error code: 400 - {'error': {'message': 'I will not.'")
    assert failed["text"].startswith("Error code: 500 - {'error': {'message': ")
    assert FAILED in failed["text"]


def test_a_failure_amid_a_growing_instance_is_an_error(told: Told) -> None:
    assert told("failed_amid")["text"].startswith(FAILED)
