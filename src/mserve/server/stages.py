"""Where a connection is: what its client is in the middle of, and what is waited for. Only names."""

from enum import Enum, auto


class Stage(Enum):
    """Where the client is in what it sends."""

    NEW = auto()  # it has not said a word yet
    HEAD = auto()
    BODY = auto()
    WHOLE = auto()  # a request is complete, and the next has not begun
    OVER = auto()  # whatever it sends is not looked at


class Wait(Enum):
    """What a connection waits for, and so for how long."""

    HEAD = auto()
    BODY = auto()
    REST = auto()  # of a body that was answered already
    ANSWER = auto()
    REQUEST = auto()
    END = auto()
