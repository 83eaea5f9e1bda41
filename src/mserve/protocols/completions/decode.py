"""Bytes to a request: each prompt becomes the one message of a conversation."""

from typing import Any

import msgspec

from mserve.errors import ClientError
from mserve.options import Limits
from mserve.protocols.base import Asked, asked, check_choices, check_stop, decode_object, told_apart
from mserve.protocols.misfit import checked
from mserve.protocols.stream_options import check_stream_options
from mserve.request import Parameters, Request

from .schema import CompletionRequest

_PARAMETERS = frozenset(Parameters.__struct_fields__) & frozenset(CompletionRequest.__struct_fields__)


def decode(body: bytes, limits: Limits = Limits()) -> Asked:  # noqa: B008  # frozen
    """Read a completion's request; `ClientError` naming the parameter for one that does not fit."""
    sent = decode_object(body)
    if isinstance(sent.get("prompt"), list):
        check_choices("prompt", len(sent["prompt"]), limits)
    wanted = checked(sent, CompletionRequest)
    check_stop(wanted.stop)
    check_stream_options(wanted.stream_options)
    if wanted.best_of not in (None, wanted.n or 1):
        raise ClientError("best_of: this server ranks no answers: it has to be what n is.", param="best_of")
    several = asked(_requests(_prompts(wanted), sent), limits)
    if not wanted.echo:
        return several
    return msgspec.structs.replace(several, echoes=tuple(run.messages[0]["content"] for run in several.runs))


def _prompts(body: CompletionRequest) -> list[str]:
    prompts = body.prompt if isinstance(body.prompt, list) else [body.prompt or ""]
    texts = [prompt for prompt in prompts if isinstance(prompt, str)]
    if len(texts) != len(prompts):
        raise ClientError("prompt: expected text; token ids mean another text to each model.", param="prompt")
    if not texts:
        raise ClientError("prompt: expected one text or more.", param="prompt")
    return texts


def _requests(prompts: list[str], sent: dict[str, Any]) -> list[Request]:
    sent.pop("prompt", None)
    fields, extra = told_apart(sent, _PARAMETERS)
    if "logprobs" in fields:  # here it is the number of those beside each token
        fields |= {"logprobs": True, "top_logprobs": fields["logprobs"]}
    return [
        Request(messages=[{"role": "user", "content": prompt}], fields=fields, extra=extra, **fields)
        for prompt in prompts
    ]
