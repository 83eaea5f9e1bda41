import asyncio
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mserve.errors import ClientError
from mserve.events import Failure, Finish, TextDelta
from mserve.options import Limits, Options, Times
from mserve.programs.user import load
from mserve.request import Request
from mserve.runs.active import ActiveRuns
from mserve.runs.admission import Admission, Gate, Turn
from mserve.runs.timers import Timers
from runs.running import LIMIT, no_state, read_all

SERVER = Gate("The server", 2, 2)
ONE = Gate("The program one", 1, 1)


async def test_turns_come_at_once_while_there_is_room_and_then_in_their_order() -> None:
    admission = Admission()
    turns = [admission.reserve([SERVER], 1)[0] for _ in range(4)]
    assert [turn.has_come for turn in turns] == [True, True, False, False]
    assert admission.queued == 2
    turns[1].end()
    assert [turn.has_come for turn in turns] == [True, True, True, False]
    waiting = asyncio.create_task(turns[3].wait(60, Timers()))
    await asyncio.sleep(0)
    assert not waiting.done()
    turns[0].end()
    await asyncio.wait_for(waiting, 1)
    assert admission.queued == 0


async def test_a_turn_that_has_come_waits_for_nothing() -> None:
    (turn,) = Admission().reserve([SERVER], 1)
    await asyncio.wait_for(turn.wait(60, Timers()), 0.1)


def test_too_many_that_wait_are_told_to_come_again_and_nothing_of_theirs_is_left() -> None:
    admission = Admission()
    turns = admission.reserve([SERVER], 3)
    with pytest.raises(ClientError, match="The server is busy") as refused:
        admission.reserve([SERVER], 2)
    assert (refused.value.status, refused.value.code) == (429, "overloaded")
    assert admission.queued == 1
    turns += admission.reserve([SERVER], 1)
    for turn in turns:
        turn.end()
    assert all(turn.has_come for turn in admission.reserve([SERVER], 2))


def test_too_many_at_once_are_told_that_waiting_would_not_help() -> None:
    admission = Admission()
    with pytest.raises(ClientError, match="The program one has room for 2 answers to one request, not 3") as refused:
        admission.reserve([SERVER, ONE], 3)
    assert (refused.value.status, refused.value.param) == (400, "n")
    assert (admission.queued, admission.reserve([SERVER, ONE], 2)[0].has_come) == (0, True)


def test_nobody_is_held_up_by_one_whose_gate_is_another() -> None:
    admission = Admission()
    first, second = admission.reserve([SERVER, ONE], 2)
    (other,) = admission.reserve([SERVER], 1)
    assert (first.has_come, second.has_come, other.has_come) == (True, False, True)
    with pytest.raises(ClientError, match="The program one is busy"):
        admission.reserve([SERVER, ONE], 1)
    other.end()
    assert not second.has_come
    first.end()
    assert second.has_come


def test_who_leaves_the_queue_lets_the_next_come_earlier() -> None:
    admission = Admission()
    turns = admission.reserve([ONE, SERVER], 2)
    turns[1].end()
    turns[1].end()
    assert admission.queued == 0
    turns[0].end()
    assert admission.reserve([ONE], 1)[0].has_come


GATES = [Gate("a", 1, 3), Gate("b", 2, 1), Gate("c", 3, 0)]


@given(st.lists(st.tuples(st.sets(st.sampled_from(GATES), min_size=1), st.integers(1, 3)) | st.integers(0, 30)))
def test_no_gate_is_ever_overfull_and_nobody_waits_who_could_run(steps: list[tuple[set[Gate], int] | int]) -> None:
    admission, turns = Admission(), list[Turn]()
    for step in steps:
        if isinstance(step, int):
            if turns:
                turns.pop(step % len(turns)).end()
        else:
            with suppress(ClientError):
                turns += admission.reserve(sorted(step[0], key=lambda gate: gate.name), step[1])
        held = Counter(gate.name for turn in turns if turn.has_come for gate in turn.gates)
        assert all(held[gate.name] <= gate.capacity for gate in GATES)
        waiting = [turn for turn in turns if not turn.has_come]
        assert admission.queued == len(waiting)
        for turn in waiting:
            assert any(held[gate.name] == gate.capacity for gate in turn.gates)


async def test_a_run_whose_turn_does_not_come_in_time_fails_and_leaves_the_queue() -> None:
    began: list[str] = []

    async def program(prompt: str) -> None:
        began.append(prompt)
        await asyncio.Event().wait()

    runs = ActiveRuns(Options(limits=Limits(runs=1), times=Times(queue=0.05)))
    (program_,) = load(program)
    requests = [Request(messages=[{"role": "user", "content": name}]) for name in ("first", "second")]
    first, second = runs.start(program_, requests, headers={}, state=no_state)
    assert await asyncio.wait_for(read_all(second), LIMIT) == [
        Failure(503, "The server is busy: it was not your turn for 0.05 s.", "overloaded")
    ]
    assert (runs.active, runs.queued, began) == (1, 0, ["first"])
    first.cancel()
    await read_all(first)


async def test_a_run_that_had_to_wait_answers_once_it_is_its_turn() -> None:
    async def program(prompt: str) -> str:
        await asyncio.sleep(0.01)
        return prompt

    runs = ActiveRuns(Options(limits=Limits(runs=1)))
    (program_,) = load(program)
    requests = [Request(messages=[{"role": "user", "content": name}]) for name in ("first", "second")]
    first, second = runs.start(program_, requests, headers={}, state=no_state)
    assert runs.queued == 1
    for run, text in ((second, "second"), (first, "first")):
        assert await asyncio.wait_for(read_all(run), LIMIT) == [TextDelta(text), Finish("stop")]
