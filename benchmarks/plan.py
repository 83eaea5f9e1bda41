"""What the load client is told to do: one value, which crosses the border between the processes as JSON."""

import json
from dataclasses import asdict, dataclass, field

from benchmarks.check import Expected


@dataclass(kw_only=True)
class Plan:
    """What to do. `seconds` or `hold` says when it is over."""

    port: int
    pid: int
    """The server, whose time is read, with all that descends from it."""
    core: int | None
    key: str
    path: str = ""
    """What stands before the API's own path."""
    others: list[int] = field(default_factory=list)
    """Further processes whose time is read."""
    wish: str
    streams: int
    stream: bool = True
    messages: int = 2
    tools: bool = False
    done: bool = True
    warm: float = 0.3
    """Seconds before the clock starts."""
    ramp: float = 0.0
    """Seconds over which the streams begin."""
    seconds: float = 0.0
    hold: bool = False
    """Hold the streams, once each has its first token, until the input ends."""
    gaps: bool = False
    """Note when each token came."""
    whose: bool = False
    """Ask which process answers on each connection."""

    @property
    def expected(self) -> Expected:
        """Give what each reply must hold."""
        return Expected(tokens=int(self.wish.split()[1]), stream=self.stream, done=self.done)

    def line(self) -> bytes:
        """Give the line that a client reads."""
        return json.dumps(asdict(self)).encode() + b"\n"
