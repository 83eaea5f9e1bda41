"""The tools that a chat offers: read from a file with a list of them as the API has it, and sent as they are."""

from typing import Any

import msgspec
from msgspec import Struct

from mserve.errors import MserveError

from .clean import clean, clean_line
from .files import named, reason


class Named(Struct, frozen=True):
    """What is told of a tool."""

    name: str
    description: str | None = None


class Tool(Struct, frozen=True):
    """A tool, as far as a chat looks at it. A type that is unknown here has nothing else that is known."""

    type: str
    function: Named | None = None
    custom: Named | None = None


Tools = list[dict[str, Any]]


def read_tools(name: str) -> Tools:
    """Read a file; `MserveError` for what has no tools."""
    file = named(name)
    try:
        tools: Tools = msgspec.json.decode(file.read_bytes())
        _check(tools)
    except (OSError, RecursionError, ValueError) as error:
        why = "too deep" if isinstance(error, RecursionError) else reason(error, file)
        raise MserveError(clean(f"{file} cannot be taken for a list of tools: {why}")) from error
    return tools


def told_of(tools: Tools) -> list[str]:
    """Give a line for each."""
    found = msgspec.convert(tools, list[Tool])
    known = [tool.function or tool.custom or Named(tool.type) for tool in found]
    return [clean_line(": ".join(filter(None, [one.name, one.description]))) for one in known]


def _check(tools: Tools) -> None:
    """Refuse what every server would refuse."""
    found = msgspec.convert(tools, list[Tool])
    if not found:
        raise ValueError("it has none")
    for tool in found:
        if tool.type in ("function", "custom") and getattr(tool, tool.type) is None:
            raise ValueError(f"a tool of type {tool.type} lacks its {tool.type}")
