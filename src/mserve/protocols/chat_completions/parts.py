"""What a reply's message and a chunk's delta have in common: our words in OpenAI's spelling."""

from collections.abc import Sequence

from msgspec import UNSET, UnsetType

from mserve.events import Citation, Logprob
from mserve.protocols.base import Envelope
from mserve.request import Request

from .reply_schema import Annotation, ChoiceLogprobs, TokenLogprob, TopLogprob, UrlCitation

_TIERS = {"auto": "default"} | {tier: tier for tier in ("default", "flex", "scale", "priority", "fast")}


def identity(envelope: Envelope) -> str:
    """Give a reply's id."""
    return f"chatcmpl-{envelope.key}"


def audio_id(known: str | None, envelope: Envelope) -> str:
    """Give a recording's id: the program's, where it has one."""
    return f"audio_{envelope.key}" if known is None else known


def audio_time(known: int | None, envelope: Envelope) -> int:
    """Give when a recording is forgotten: a program that does not say keeps nothing, and it is gone by now."""
    return envelope.created if known is None else known


def service_tier(request: Request) -> str | UnsetType:
    """Echo a tier that OpenAI has, as it does; `auto` leaves it to the server, which has one."""
    return _TIERS.get(request.service_tier or "", UNSET)


def logprobs_of(tokens: Sequence[Logprob]) -> ChoiceLogprobs:
    """Give the tokens of a text."""
    return ChoiceLogprobs([
        TokenLogprob(t.token, t.logprob, t.bytes, [TopLogprob(o.token, o.logprob, o.bytes) for o in t.top_logprobs])
        for t in tokens
    ])  # fmt: skip


def annotation(said: Citation) -> Annotation:
    """Give a citation."""
    return Annotation(url_citation=UrlCitation(said.start, said.end, said.url, said.title))
