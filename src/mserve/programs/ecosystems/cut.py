"""Why a reply is cut, in the words of those who make models. Says nothing of replies that are whole."""

from collections.abc import Iterator

from mserve.events import Finish, FinishReason

_LENGTH = ("length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded")
_FILTER = (
    "content_filter", "content_filtered", "guardrail_intervened", "refusal",
    "safety", "recitation", "blocklist", "prohibited_content", "spii",
)  # fmt: skip
_CUTS: dict[object, FinishReason] = {**dict.fromkeys(_LENGTH, "length"), **dict.fromkeys(_FILTER, "content_filter")}


def cut(*reasons: object) -> Iterator[Finish]:
    """Give the finish of a reply that one of these reasons cut; any other reason needs no word.

    What finishes without a word has finished with `stop`, or with `tool_calls` where it called. Some servers say so
    in each chunk, and a program may go on after it: said here, it would forbid what follows.
    """
    words = (reason.lower() for reason in reasons if isinstance(reason, str))
    yield from (Finish(_CUTS[word]) for word in words if word in _CUTS)
