"""Refuses what would change the reply's shape where the program cannot know of it: no client gets another shape."""

from mserve.errors import ClientError
from mserve.request import Request

_SEES_ALL = frozenset({"request", "client_options", "model_options"})


def check_shape(request: Request, declares: frozenset[str]) -> None:
    """Raise `ClientError` for a request whose answer would have another shape than it asked for."""
    if not declares.isdisjoint(_SEES_ALL):
        return
    if request.logprobs and "logprobs" not in declares:
        raise ClientError("logprobs: this program gives none.", param="logprobs")
    if "audio" in (request.modalities or ()) and declares.isdisjoint({"modalities", "audio"}):
        raise ClientError("modalities: this program answers in text only.", param="modalities")
