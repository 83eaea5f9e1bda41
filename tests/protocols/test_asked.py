"""What a body asks for: so many runs, each with a request of its own, and a reply that no program changes."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mserve.errors import ClientError
from mserve.options import Limits
from mserve.protocols import chat_completions, completions
from mserve.protocols.base import Asked, Wire
from protocols.bodies import PARAMETERS
from protocols.strategies import law
from protocols.talks import WIRES, asked_of, talks

on_each_wire = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.PATH)


def _refused(wire: Wire, limits: Limits = Limits(), **sent: Any) -> ClientError:  # noqa: B008  # frozen
    with pytest.raises(ClientError) as caught:
        asked_of(wire, limits, **sent)
    assert caught.value.status == 400
    return caught.value


def _containers(value: Any) -> Iterator[Any]:
    """Give each list and dict within a value that was JSON."""
    if isinstance(value, list | dict):
        yield value
        for inner in value if isinstance(value, list) else value.values():
            yield from _containers(inner)


def _of_runs(asked: Asked) -> list[list[Any]]:
    return [
        [inner for name in run.__struct_fields__ for inner in _containers(getattr(run, name))] for run in asked.runs
    ]


@on_each_wire
@pytest.mark.parametrize(("sent", "count"), [({}, 1), ({"n": None}, 1), ({"n": 1}, 1), ({"n": 128}, 128)], ids=repr)
def test_each_choice_has_a_request_with_one_choice(wire: Wire, sent: dict[str, Any], count: int) -> None:
    asked = asked_of(wire, **sent, seed=7, mood="wild")
    assert len(asked.runs) == count
    for run in asked.runs:
        assert (run.n or 1, run.fields.get("n", 1)) == (1, 1)
        assert run.messages == [{"role": "user", "content": "hi"}]
        assert (run.seed, run.fields["seed"], run.extra) == (7, 7, {"mood": "wild"})
    assert asked.request.n == sent.get("n")
    assert asked.request.messages == []


def test_all_that_was_sent_reaches_each_choice() -> None:
    everything = {name: values[-1] for name, values in PARAMETERS.items()}
    asked = asked_of(chat_completions, **everything, mood={"a": [None]})
    assert len(asked.runs) == everything["n"]
    for run in asked.runs:
        assert run.fields == everything | {"n": 1}
        assert run.extra == {"mood": {"a": [None]}}
        assert {name: getattr(run, name) for name in PARAMETERS} == everything | {"n": 1}


@on_each_wire
@law
@given(st.data())
def test_no_two_choices_share_a_list_or_a_dict(wire: Wire, data: st.DataObject) -> None:
    asked = data.draw(talks(wire)).asked
    seen = [id(inner) for containers in _of_runs(asked) for inner in {id(one): one for one in containers}.values()]
    assert len(seen) == len(set(seen))


@on_each_wire
@law
@given(st.data())
def test_no_program_changes_the_reply_through_its_request(wire: Wire, data: st.DataObject) -> None:
    talk = data.draw(talks(wire))
    before = (talk.whole, talk.stream())
    for containers in _of_runs(talk.asked):
        for inner in containers:
            inner.clear()
    assert (talk.whole, talk.stream()) == before


# ---- limits


@on_each_wire
def test_one_request_gets_so_many_answers_and_no_more(wire: Wire) -> None:
    limits = Limits(choices=3)
    assert len(asked_of(wire, limits, n=3).runs) == 3
    error = _refused(wire, limits, n=4)
    assert (error.param, error.message) == ("n", "n: one request gets at most 3 answers here, not 4.")


def test_prompts_are_answers_too() -> None:
    limits = Limits(choices=4)
    assert len(asked_of(completions, limits, prompt=["a"] * 4).runs) == 4
    assert len(asked_of(completions, limits, prompt=["a"] * 2, n=2).runs) == 4
    error = _refused(completions, limits, prompt=["a"] * 5)
    assert (error.param, error.message) == ("prompt", "prompt: one request gets at most 4 answers here, not 5.")
    assert _refused(completions, limits, prompt=["a"] * 2, n=3).param == "n"


def test_a_conversation_has_so_many_messages_and_no_more() -> None:
    limits, message = Limits(max_messages=2), {"role": "user"}
    assert len(asked_of(chat_completions, limits, messages=[message] * 2).runs[0].messages) == 2
    error = _refused(chat_completions, limits, messages=[message] * 3)
    assert (error.param, error.message) == ("messages", "messages: expected at most 2 of them, not 3.")


@on_each_wire
@pytest.mark.parametrize("stop", ["", "a" * 4096, ["a"] * 64, ["a" * 64] * 64], ids=lambda stop: str(len(stop)))
def test_so_much_can_be_looked_for(wire: Wire, stop: str | list[str]) -> None:
    assert asked_of(wire, stop=stop).request.stop == stop


@on_each_wire
@pytest.mark.parametrize("stop", ["a" * 4097, [""] * 65, ["a" * 64] * 63 + ["a" * 65]], ids=lambda stop: str(len(stop)))
def test_more_cannot_be_looked_for(wire: Wire, stop: str | list[str]) -> None:
    error = _refused(wire, stop=stop)
    assert error.param == "stop"
    assert error.message.startswith("stop: expected at most 64 sequences, of 4096 characters together")


@on_each_wire
def test_the_limits_are_the_options_defaults(wire: Wire) -> None:
    least = {"messages": [{"role": "user"}]} if wire is chat_completions else {}
    body = json.dumps(least | {"n": Limits().choices}).encode()
    assert len(wire.decode(body, Limits()).runs) == Limits().choices
    assert _refused(wire, n=Limits().choices + 1).param == "n"
