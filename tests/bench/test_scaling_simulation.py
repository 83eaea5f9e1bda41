import pytest

from benchmarks.scaling.model import Cost
from benchmarks.scaling.simulate import Asked, Part, Seen, Simulation


def part(name: str, request: float = 0.0, token: float = 0.0, write: float = 0.0, processes: int = 1) -> Part:
    return Part(name=name, cost=Cost(request=request, token=token, write=write), processes=processes)


def run(*parts: Part, asked: Asked, cores: float = 8, seconds: float = 4.0, warm: float = 1.0) -> Seen:
    return Simulation(parts, asked, cores=cores).run(seconds, warm)


def test_who_is_not_busy_keeps_the_pace_of_the_program() -> None:
    seen = run(part("client"), part("server", write=100e-6), asked=Asked(streams=20, tokens=50, pause=0.02, ramp=0.1))
    assert seen.rate == pytest.approx(1000, rel=0.02)
    assert seen.busy["server"] == pytest.approx(0.1, rel=0.05)
    assert seen.gaps["p50"] == pytest.approx(0.0201, rel=0.01)


def test_a_full_process_gives_what_one_core_gives() -> None:
    seen = run(part("client"), part("server", request=1e-3, token=10e-6), asked=Asked(streams=16, tokens=100))
    assert seen.rate == pytest.approx(100 / 2e-3, rel=0.02)
    assert seen.busy["server"] == pytest.approx(1, rel=0.02)
    assert seen.first["p50"] == pytest.approx(16 * 2e-3, rel=0.1)


def test_two_processes_give_twice_as_much_while_there_are_cores() -> None:
    asked = Asked(streams=16, tokens=100)
    two = part("server", request=1e-3, token=10e-6, processes=2)
    assert run(part("client"), two, asked=asked).rate == pytest.approx(100_000, rel=0.02)
    assert run(part("client"), two, asked=asked, cores=1).rate == pytest.approx(50_000, rel=0.02)
    assert run(part("client"), two, asked=asked, cores=1.5).rate == pytest.approx(75_000, rel=0.02)


def test_the_slowest_part_on_the_way_is_the_limit() -> None:
    parts = (part("client"), part("proxy", request=2e-3), part("ingress", request=4e-3), part("replica", request=1e-3))
    seen = run(*parts, asked=Asked(streams=64, tokens=10))
    assert seen.rate == pytest.approx(10 / 4e-3, rel=0.05)
    assert seen.busy["ingress"] == pytest.approx(1, rel=0.02)
    assert seen.busy["replica"] == pytest.approx(0.25, rel=0.05)


def test_tokens_that_wait_for_a_full_part_are_taken_together() -> None:
    """More come than it can write one by one: it falls behind by a write for each stream, and no further."""
    seen = run(part("proxy", write=1e-3), part("replica"), asked=Asked(streams=100, tokens=1000, pause=0.05, ramp=0.05))
    assert seen.busy["proxy"] == pytest.approx(1, rel=0.02)
    assert seen.rate == pytest.approx(2000, rel=0.05)
    assert seen.gaps["max"] == pytest.approx(0.1, rel=0.05)


def test_a_log_that_is_full_is_taken_before_there_is_more() -> None:
    server = part("server", write=1e-3)
    assert run(part("client", request=1e-3), server, asked=Asked(streams=1, tokens=256)).busy["server"] == 0
    seen = run(part("client", request=1e-3), server, asked=Asked(streams=1, tokens=513))
    assert seen.rate == pytest.approx(513 / (1e-3 + 2e-3), rel=0.02)
    assert seen.busy["server"] == pytest.approx(2 / 3, rel=0.02)


def test_nothing_comes_before_it_was_asked_and_each_reply_is_whole() -> None:
    seen = run(part("client"), part("server", request=0.1), asked=Asked(streams=1, tokens=3), seconds=1.0, warm=0.0)
    assert seen.rate in (27, 30)  # nine or ten replies of three tokens
    assert seen.first["p50"] == pytest.approx(0.1)
