"""Write one `serve()` function, and every OpenAI client can call it as a model and watch its tokens arrive.

The names here are the public ones. Each is loaded on first use, so that programs and the command line pay for no more
than they use. No module of ours imports from here.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_MODULES = {
    "errors": ("ClientError", "LoadError", "MserveError", "ProgramError", "ShutdownError", "StartupError"),
    "events": (
        "AudioDelta",
        "Citation",
        "Finish",
        "Logprob",
        "ReasoningDelta",
        "RefusalDelta",
        "TextDelta",
        "ToolCallDelta",
        "ToolCallStart",
        "Usage",
    ),
    "options": ("Limits", "Options", "Times"),
    "programs.traits": ("served",),
    "request": ("Request",),
    "server.config": ("Settings",),
    "server.serving": ("run", "serve_async"),
    "web.app": ("create_app",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if not TYPE_CHECKING:  # a type checker would take any name for one of ours

    def __getattr__(name: str) -> Any:
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import importlib  # noqa: PLC0415  # only for a name that is not loaded yet

        value = globals()[name] = getattr(importlib.import_module(f".{_MODULE_OF[name]}", __name__), name)
        return value
