"""Bytes to a request: decoded once, checked against the schema, and put into chat completions' parameters."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from mserve.errors import ClientError
from mserve.options import Limits
from mserve.protocols.base import Asked, Keeping, check_count, check_stop, decode_object
from mserve.protocols.misfit import checked
from mserve.request import Parameters, Request

from .items import Item, kind, messages_of
from .nesting import nested
from .request_schema import ResponsesRequest, as_checked

_PARAMETERS = frozenset(Parameters.__struct_fields__)
_KNOWN = frozenset(ResponsesRequest.__struct_fields__) | {"context_management", "prompt", "n"}
_SAME = _PARAMETERS & frozenset(ResponsesRequest.__struct_fields__) - {"stream_options", "tools", "tool_choice"}
"""What has the same name and meaning in both protocols."""


def decode(body: bytes, limits: Limits = Limits()) -> Asked:  # noqa: B008  # frozen
    """Read a response's request; `ClientError` naming the parameter for one that does not fit."""
    sent = decode_object(body)
    check_count(sent, "input", limits.max_messages)
    wanted = checked(as_checked(sent), ResponsesRequest)
    check_stop(wanted.stop)
    if wanted.background and wanted.store is False:
        raise ClientError("background: who does not wait for an answer has to let it be stored.", param="background")
    if wanted.previous_response_id and wanted.conversation is not None:
        raise ClientError(
            "previous_response_id: a conversation has its own past: send one of the two.", param="previous_response_id"
        )
    sent = {name: value for name, value in sent.items() if value is not None or name not in _KNOWN}  # as if not sent
    given = sent.pop("input", None)
    items = [{"type": "message", "role": "user", "content": given}] if isinstance(given, str) else given or []
    conversation = sent.get("conversation")
    keeping = Keeping(
        store=wanted.store is not False,
        background=bool(wanted.background),
        previous=wanted.previous_response_id or None,
        conversation=conversation["id"] if isinstance(conversation, dict) else conversation or None,
        items=items,
        references=[item["id"] for item in items if kind(item) == "item_reference"],
    )
    fields = _fields(sent)
    request = Request(messages=[], fields=fields, **fields)
    extra = {name: value for name, value in sent.items() if name not in _KNOWN}
    own = msgspec.json.decode(msgspec.json.encode(fields)) | _logprobs(sent)  # a program may change what it gets
    run = Request(messages=[], fields=own, extra=extra, **own)
    asked = Asked(request, (run,), sent=sent, keeping=keeping)
    return asked if keeping.looks_back else with_past(asked, (), {}, limits)


def with_past(asked: Asked, past: Sequence[Item], found: Mapping[str, Item], limits: Limits) -> Asked:
    """Give a request with all that was said: before it, and in what it means again; `ClientError` for nothing."""
    keeping = asked.keeping
    assert keeping is not None  # noqa: S101  # it is one of ours
    items = [found[item["id"]] if kind(item) == "item_reference" else item for item in keeping.items]
    messages = messages_of([*past, *items])
    if not messages:
        raise ClientError("input: this field is required, with a message or more.", param="input")
    if asked.sent.get("instructions"):
        messages.insert(0, {"role": "system", "content": asked.sent["instructions"]})
    if len(messages) > limits.max_messages:
        raise ClientError(
            f"input: expected at most {limits.max_messages} messages, with those before them, not {len(messages)}.",
            param="input",
        )
    (run,) = asked.runs
    kept = msgspec.structs.replace(keeping, items=items)
    return msgspec.structs.replace(asked, runs=(msgspec.structs.replace(run, messages=messages),), keeping=kept)


def _fields(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Give the parameters that a client sent, by the names that programs read."""
    fields = {name: value for name, value in sent.items() if name in _SAME}
    if "max_output_tokens" in sent:
        fields["max_completion_tokens"] = sent["max_output_tokens"]
    if (effort := (sent.get("reasoning") or {}).get("effort")) is not None:
        fields["reasoning_effort"] = effort
    text = sent.get("text") or {}
    if text.get("verbosity") is not None:
        fields["verbosity"] = text["verbosity"]
    if text.get("format") is not None:
        fields["response_format"] = nested(text["format"])
    if "tools" in sent:
        fields["tools"] = [nested(tool) for tool in sent["tools"]]
    if "tool_choice" in sent:
        choice = sent["tool_choice"]
        fields["tool_choice"] = choice if isinstance(choice, str) else nested(choice)
    return fields


def _logprobs(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Let a program know that log probabilities are wanted: it may have none, and that changes no answer's shape."""
    return {"logprobs": True} if "message.output_text.logprobs" in sent.get("include", ()) else {}
