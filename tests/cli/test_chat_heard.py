"""A signal that readline would overlook. That moment cannot be hit at will: what helps then can be seen."""

import os
import signal
import time

from mserve.cli.chat.heard import heard


def test_a_signal_is_followed_by_another_until_somebody_has_heard_it() -> None:
    seen: list[int] = []

    def note(number: int, _frame: object) -> None:
        seen.append(number)

    before = [signal.signal(number, note) for number in (signal.SIGUSR1, signal.SIGWINCH)]
    try:
        with heard():
            os.kill(os.getpid(), signal.SIGUSR1)
            until = time.monotonic() + 10
            while seen.count(signal.SIGWINCH) < 2 and time.monotonic() < until:
                time.sleep(0.01)
        ended = seen[:]
        time.sleep(0.2)
        assert seen == ended
        assert seen[:3] == [signal.SIGUSR1, signal.SIGWINCH, signal.SIGWINCH]
    finally:
        for number, handler in zip((signal.SIGUSR1, signal.SIGWINCH), before, strict=True):
            signal.signal(number, handler)


def test_without_a_signal_nobody_is_disturbed() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGWINCH, lambda number, _frame: seen.append(number))
    try:
        with heard():
            time.sleep(0.2)
    finally:
        signal.signal(signal.SIGWINCH, before)
    assert seen == []
