"""Tokens as OpenAI's older endpoints tell them, and where a stream does: the same in both."""

from collections.abc import Iterable

import msgspec
from msgspec import UNSET, Struct, UnsetType

from mserve.events import Usage
from mserve.transcript import total

from .framing import DONE, frame


class CachedDetails(Struct, frozen=True):
    """Which tokens of the prompt were cheap."""

    cached_tokens: int


class ReasoningDetails(Struct, frozen=True):
    """Which tokens of the reply were thought and not said."""

    reasoning_tokens: int


class TokenUsage(Struct, frozen=True, kw_only=True):
    """Tokens spent."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: CachedDetails | UnsetType = UNSET
    completion_tokens_details: ReasoningDetails | UnsetType = UNSET


def token_usage(usages: Iterable[Usage | None]) -> TokenUsage | None:
    """Add up what the choices of a reply have spent; None where one of them does not know: a sum would be wrong."""
    spent = Usage(0, 0)
    for usage in usages:
        if usage is None:
            return None
        spent = total(spent, usage)
    return TokenUsage(
        prompt_tokens=spent.input_tokens,
        completion_tokens=spent.output_tokens,
        total_tokens=spent.input_tokens + spent.output_tokens,
        prompt_tokens_details=CachedDetails(spent.cached_tokens) if spent.cached_tokens else UNSET,
        completion_tokens_details=ReasoningDetails(spent.reasoning_tokens) if spent.reasoning_tokens else UNSET,
    )


def ending(chunk: Struct, usages: Iterable[Usage | None], *, told: bool) -> bytes:
    """Give the end of a stream: its usage, where that is to be told and is known, in a chunk without choices."""
    usage = token_usage(usages) if told else None
    return DONE if usage is None else frame(msgspec.structs.replace(chunk, usage=usage)) + DONE
