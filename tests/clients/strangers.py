"""Holds replies against the types that openai-python generated from OpenAI's own document."""

from typing import Any

from pydantic import BaseModel

OPEN_RESPONSES = frozenset({"frequency_penalty", "presence_penalty", "store", "status", "name", "bytes"})
"""What Open Responses asks for in responses, items and events, and openai-python has no type for everywhere."""


def strangers(told: Any, known: frozenset[str] = frozenset()) -> list[str]:
    """Name the keys, at any depth, that the SDK's generated types do not have, but for those that are known."""
    if isinstance(told, list):
        return [name for item in told for name in strangers(item, known)]
    if not isinstance(told, BaseModel):
        return []
    inside = [name for value in vars(told).values() for name in strangers(value, known)]
    return [*sorted(set(told.model_extra or {}) - known), *inside]
