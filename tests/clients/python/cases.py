"""What the scripts share: each case is a function, and what it gives, or raises by surprise, is told as JSON."""

import asyncio
import inspect
import json
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import loopback
from pydantic import BaseModel

assert loopback.LEFT  # imported before any client, so that none of them gets out


class Stop(BaseModel):
    """A place to stay."""

    name: str
    booked: bool


class Trip(BaseModel):
    """A plan."""

    city: str
    days: int
    stops: list[Stop]


class Folder(BaseModel):
    """A folder, which holds folders."""

    name: str
    parent: "Folder | None"
    inside: list["Folder"]


def told_of(error: BaseException) -> dict[str, Any]:
    """Tell an error that was expected: its class, its bases and its words."""
    return {
        "class": type(error).__name__,
        "bases": [base.__name__ for base in type(error).__mro__],
        "text": str(error),
        "status": getattr(error, "status_code", None),
        "code": getattr(error, "code", None),
        "param": getattr(error, "param", None),
    }


async def async_error_of(asked: Awaitable[Any]) -> dict[str, Any]:
    """Await, and tell the error that must come of it."""
    try:
        said = await asked
    except Exception as error:  # noqa: BLE001  # whatever a client raises is told
        return told_of(error)
    raise AssertionError(f"no error, but {said!r}")


def error_of(ask: Callable[[], Any]) -> dict[str, Any]:
    """Ask, and tell the error that must come of it."""
    try:
        said = ask()
    except Exception as error:  # noqa: BLE001  # whatever a client raises is told
        return told_of(error)
    raise AssertionError(f"no error, but {said!r}")


def tell(*cases: Callable[[], Any]) -> None:
    """Run the cases, and tell on the last line what each gave."""
    told: dict[str, Any] = {}
    with asyncio.Runner() as runner:  # one loop for all, since clients keep their connections
        for case in cases:
            try:
                gave = case()
                told[case.__name__] = runner.run(gave) if inspect.iscoroutine(gave) else gave
            except BaseException:  # noqa: BLE001  # the other cases go on
                told[case.__name__] = {"uncaught": traceback.format_exc()}
    sys.stdout.write("\n" + json.dumps(told, default=plain) + "\n")


def plain(value: Any) -> Any:
    """Give a value that JSON does not know as one that it does."""
    return value.model_dump() if isinstance(value, BaseModel) else repr(value)
