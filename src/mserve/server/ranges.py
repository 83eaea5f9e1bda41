"""From where to where a number that a flag takes makes sense."""

import sys
from collections.abc import Mapping

from mserve.errors import StartupError
from mserve.options import MIB

_DAY = 24 * 60 * 60
RANGES = {
    "port": (0, 65535),
    "workers": (1, 256),
    "max_n": (1, 128),
    "max_body": (1, sys.maxsize),
    "max_messages": (1, sys.maxsize),
    "max_depth": (1, 900),  # Python's own limit is not far behind
    "max_values": (1, sys.maxsize),
    "max_answer": (1, sys.maxsize),
    "max_runs": (1, sys.maxsize),
    "max_queue": (0, sys.maxsize),
    "max_threads": (1, 10_000),
    "queue_timeout": (0, _DAY),
    "first_event_timeout": (0.001, _DAY),
    "event_timeout": (0.001, _DAY),
    "run_timeout": (0.001, 365 * _DAY),
    "judge_timeout": (0.1, _DAY),
    "grace_period": (0, _DAY),
    "ping_interval": (0.1, _DAY),  # a stream whose silence may last no time sends nothing but comments
    "gather_interval": (0, 1),
    "shutdown_timeout": (0, _DAY),
    "close_timeout": (1, _DAY),
    "drain_delay": (0, _DAY),
    "store_ttl": (1, 100 * 365 * _DAY),
    "store_size": (MIB, sys.maxsize),
    "max_header_size": (1024, 16 * MIB),
    "header_timeout": (0.1, _DAY),
    "body_timeout": (0.1, _DAY),
    "timeout_keep_alive": (0, _DAY),
    "limit_connections": (1, 1_000_000),
    "block_warning": (0, _DAY),
    "worker_timeout": (0.5, _DAY),
}


def check_ranges(said: object, ranges: Mapping[str, tuple[float, float]]) -> None:
    """Refuse a number of `said` that is out of its range, `StartupError`; None is no number that was said."""
    for name, (least, most) in ranges.items():
        value = getattr(said, name)
        if value is not None and not least <= value <= most:
            raise StartupError(f"{flag_of(name)} is a number from {least} to {most}, not {value}")


def flag_of(name: str) -> str:
    """Give a setting's flag."""
    return f"--{name.replace('_', '-')}"
