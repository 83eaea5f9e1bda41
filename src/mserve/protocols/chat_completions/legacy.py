"""`functions` and `function_call`, which `tools` and `tool_choice` have replaced: programs need to know these alone."""

from typing import Any

from mserve.events import FinishReason
from mserve.request import Request

from .reply_schema import Reason


def as_tools(sent: dict[str, Any]) -> dict[str, Any]:
    """Give the parameters that say what a client's older ones do; nothing where it sent no older, or newer too."""
    newer: dict[str, Any] = {}
    if "functions" in sent and "tools" not in sent:
        newer["tools"] = [{"type": "function", "function": function} for function in sent["functions"]]
        newer["parallel_tool_calls"] = False  # the older reply has room for one
    if "function_call" in sent and "tool_choice" not in sent:
        choice = sent["function_call"]
        newer["tool_choice"] = choice if isinstance(choice, str) else {"type": "function", "function": choice}
    return newer


def is_legacy(request: Request) -> bool:
    """Tell whether the client knows the older API alone, and has to be answered in it."""
    return "functions" in request.fields and "tools" not in request.fields


def reason_of(reason: FinishReason, *, legacy: bool) -> Reason:
    """Spell a reason as the client knows it."""
    return "function_call" if legacy and reason == "tool_calls" else reason
