"""The sum of what workers count, in orders of their answers that real ones take too rarely."""

from typing import cast

from mserve.server.child import Child
from mserve.server.messages import Answer, Ask, Sum, Told
from mserve.server.pulse import BEAT, Pulse
from mserve.web.families import Family


class Heard:
    """Keeps what a worker is told."""

    def __init__(self) -> None:
        self.told: list[Told] = []

    def tell(self, told: Told) -> None:
        self.told.append(told)

    @property
    def asks(self) -> list[int]:
        return [told.number for told in self.told if isinstance(told, Ask)]

    @property
    def sums(self) -> list[float]:
        return [told.families[0].samples[0][2] for told in self.told if isinstance(told, Sum)]


def counted(value: float) -> tuple[Family, ...]:
    return (Family("a", "What.", "counter", (("a_total", {}, value),)),)


async def test_a_sum_is_begun_after_it_was_asked_for_and_waits_for_all_who_live() -> None:
    pulse, heard = Pulse(), [Heard(), Heard()]
    one, other = (cast("Child", worker) for worker in heard)
    pulse.begin(one)
    pulse.begin(other)
    pulse.beat()
    pulse.want(one)
    for worker, child in zip(heard, (one, other), strict=True):
        pulse.answered(child, Answer(worker.asks[0], counted(1)))  # to the beat: it may be older than the wish
    assert heard[0].sums == []
    pulse.want(other)  # too late for the sum that is under way
    pulse.answered(one, Answer(heard[0].asks[1], counted(10)))
    assert heard[0].sums == []
    pulse.answered(other, Answer(heard[1].asks[1], counted(20)))
    assert (heard[0].sums, heard[1].sums) == ([30], [])
    pulse.answered(one, Answer(heard[0].asks[2], counted(11)))
    pulse.end(other)  # what it told last counts on
    assert (heard[0].sums, heard[1].sums) == ([30], [])
    pulse.want(one)
    pulse.answered(one, Answer(heard[0].asks[3], counted(12)))
    assert heard[0].sums == [30, 32]
    pulse.answered(other, Answer(9, counted(5)))  # its last word, heard too late
    pulse.beat()
    assert len(heard[1].asks) == 3


async def test_who_does_not_answer_is_silent_for_a_beat_more_each_time() -> None:
    pulse, heard = Pulse(), Heard()
    child = cast("Child", heard)
    pulse.begin(child)
    for _ in range(3):
        pulse.beat()
    assert (list(pulse.silent(2 * BEAT)), list(pulse.silent(3 * BEAT))) == ([child], [])
    assert len(heard.asks) == 1
    pulse.answered(child, Answer(heard.asks[0], ()))
    assert list(pulse.silent(BEAT)) == []
    pulse.beat()
    pulse.answered(child, Answer(heard.asks[1], ()))
    pulse.want(child)
    pulse.beat()  # at once: what was only just asked for a sum is not late
    assert list(pulse.silent(BEAT)) == []


async def test_no_sum_waits_for_who_is_silent() -> None:
    pulse, heard = Pulse(), [Heard(), Heard()]
    live, hung = (cast("Child", worker) for worker in heard)
    pulse.begin(live)
    pulse.begin(hung)
    pulse.beat()
    pulse.answered(hung, Answer(heard[1].asks[0], counted(1)))
    pulse.beat()
    pulse.answered(live, Answer(heard[0].asks[0], counted(10)))
    pulse.beat()
    pulse.want(live)
    pulse.answered(live, Answer(heard[0].asks[-1], counted(20)))
    assert heard[0].sums == [21]
