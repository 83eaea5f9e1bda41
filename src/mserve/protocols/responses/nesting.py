"""What has a type: chat completions puts what it is under the type's own name, this protocol beside the type."""

from typing import Any

_NESTED = frozenset({"function", "custom", "allowed_tools", "json_schema", "grammar"})


def nested(value: dict[str, Any]) -> dict[str, Any]:
    """Spell a tool, a choice of one, or a format as chat completions does; types that it has not stay as they are."""
    kind = value["type"]
    if kind not in _NESTED:
        return value
    inner = {name: part for name, part in value.items() if name != "type" and part is not None}
    if kind == "custom" and _is_typed(inner.get("format")):
        inner["format"] = nested(inner["format"])
    if kind == "allowed_tools":
        inner["tools"] = [nested(tool) if _is_typed(tool) else tool for tool in inner["tools"]]
    return {"type": kind, kind: inner}


def flat(value: dict[str, Any]) -> dict[str, Any]:
    """Spell the same as this protocol does."""
    kind = value["type"]
    if kind not in _NESTED or not isinstance(value.get(kind), dict):
        return value
    inner = dict(value[kind])
    if kind == "custom" and _is_typed(inner.get("format")):
        inner["format"] = flat(inner["format"])
    if kind == "allowed_tools":
        inner["tools"] = [flat(tool) if _is_typed(tool) else tool for tool in inner["tools"]]
    return {"type": kind} | inner


def _is_typed(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("type"), str)
