"""Where a connection is: what its client is in the middle of, and what is waited for. Only names, and a table."""

from enum import Enum, auto


class Stage(Enum):
    """Where the client is in what it sends."""

    __hash__ = object.__hash__  # an Enum's own is no C, and these are keys of what each request looks up

    NEW = auto()  # it has not said a word yet
    HEAD = auto()
    BODY = auto()
    WHOLE = auto()  # a request is complete, and the next has not begun
    OVER = auto()  # whatever it sends is not looked at


class Wait(Enum):
    """What a connection waits for, and so for how long."""

    __hash__ = object.__hash__

    HEAD = auto()
    BODY = auto()
    REST = auto()  # of a body that was answered already
    ANSWER = auto()
    REQUEST = auto()
    END = auto()


WAITS = {
    Stage.NEW: (Wait.HEAD, Wait.HEAD),
    Stage.HEAD: (Wait.HEAD, Wait.HEAD),
    Stage.BODY: (Wait.REST, Wait.BODY),
    Stage.WHOLE: (Wait.REQUEST, Wait.ANSWER),
}
"""What is waited for while no request is open, and while one is."""
