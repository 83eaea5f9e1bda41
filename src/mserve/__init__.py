"""Write one `serve()` function, and every OpenAI client can call it as a model and watch its tokens arrive.

The names here are the public ones. The words that a program uses are loaded at once; what serves is loaded on first
use, so that a program's own import costs little. No module of ours imports from here.
"""

from typing import TYPE_CHECKING, Any

from .errors import ClientError, LoadError, MserveError, ProgramError, ShutdownError, StartupError
from .events import (
    AudioDelta,
    Citation,
    Finish,
    Logprob,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from .options import Limits, Options, Times
from .programs.traits import served
from .request import Request

if TYPE_CHECKING:
    from .server.config import Settings
    from .server.serving import run, serve_async
    from .web.app import create_app

__all__ = [
    "AudioDelta",
    "Citation",
    "ClientError",
    "Finish",
    "Limits",
    "LoadError",
    "Logprob",
    "MserveError",
    "Options",
    "ProgramError",
    "ReasoningDelta",
    "RefusalDelta",
    "Request",
    "Settings",
    "ShutdownError",
    "StartupError",
    "TextDelta",
    "Times",
    "ToolCallDelta",
    "ToolCallStart",
    "Usage",
    "create_app",
    "run",
    "serve_async",
    "served",
]

_LATER = {
    "Settings": "server.config",
    "create_app": "web.app",
    "run": "server.serving",
    "serve_async": "server.serving",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib  # noqa: PLC0415  # only for a name that is loaded later

    value = globals()[name] = getattr(importlib.import_module(f".{_LATER[name]}", __name__), name)
    return value
