"""Bytes to a request: each prompt becomes the one message of a conversation."""

from typing import Any

import msgspec

from mserve.errors import ClientError
from mserve.options import Limits
from mserve.protocols.base import Asked, asked, check_choices, check_stop, decode_object
from mserve.protocols.misfit import misfit
from mserve.protocols.stream_options import check_stream_options
from mserve.request import Parameters, Request

from .schema import CompletionRequest

_PARAMETERS = frozenset(Parameters.__struct_fields__) & frozenset(CompletionRequest.__struct_fields__)


def decode(body: bytes, limits: Limits = Limits()) -> Asked:  # noqa: B008  # frozen
    """Read a completion's request; `ClientError` naming the parameter for one that does not fit."""
    sent = decode_object(body)
    if isinstance(sent.get("prompt"), list):
        check_choices("prompt", len(sent["prompt"]), limits)
    try:
        checked = msgspec.convert(sent, CompletionRequest)
    except msgspec.ValidationError as error:
        raise misfit(str(error)) from error
    check_stop(checked.stop)
    check_stream_options(checked.stream_options)
    if checked.best_of not in (None, checked.n or 1):
        raise ClientError("best_of: this server ranks no answers: it has to be what n is.", param="best_of")
    several = asked([_request(prompt, sent) for prompt in _prompts(checked)], limits)
    if not checked.echo:
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


def _request(prompt: str, sent: dict[str, Any]) -> Request:
    fields = {name: value for name, value in sent.items() if name in _PARAMETERS and value is not None}
    if "logprobs" in fields:  # here it is the number of those beside each token
        fields |= {"logprobs": True, "top_logprobs": fields["logprobs"]}
    extra = {name: value for name, value in sent.items() if name not in _PARAMETERS and name != "prompt"}
    return Request(messages=[{"role": "user", "content": prompt}], fields=fields, extra=extra, **fields)
