"""The response object: what it repeats of its request, and how it stands."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from mserve.events import Failure, Said, Usage
from mserve.protocols.base import Asked, Envelope
from mserve.request import Request

from .nesting import flat
from .output import Output
from .reply_schema import (
    ConversationRef,
    IncompleteDetails,
    InputDetails,
    Item,
    OutputDetails,
    Response,
    ResponseError,
    ResponseUsage,
)

PREFIX = "resp_"
LOGPROBS = "message.output_text.logprobs"
_AS_SENT = (
    "background", "frequency_penalty", "instructions", "max_output_tokens", "max_tool_calls", "metadata",
    "parallel_tool_calls", "presence_penalty", "previous_response_id", "prompt_cache_key", "safety_identifier",
    "store", "temperature", "tool_choice", "top_logprobs", "top_p", "truncation", "user",
)  # fmt: skip
_CANCELLED = "cancelled"


def identity(envelope: Envelope) -> str:
    """Give a response's id."""
    return f"{PREFIX}{envelope.key}"


def output_of(envelope: Envelope, asked: Asked) -> Output:
    """Give what takes an answer, as its request wants it."""
    sent = _sent(asked)
    reasoning = sent.get("reasoning") or {}
    return Output(
        envelope.key,
        summarizes=bool(reasoning.get("summary") or reasoning.get("generate_summary")),
        has_logprobs=LOGPROBS in sent.get("include", ()),
    )


def shown(choice: int, events: Sequence[Said]) -> Sequence[Said]:
    """Give what a response shows of a choice: of the first one all, of others that they fail, which fails them all."""
    return events if choice == 0 else [event for event in events if isinstance(event, Failure)]


def begun(envelope: Envelope, asked: Asked) -> Response:
    """Give a response that has said nothing yet."""
    sent = _sent(asked)
    known = {name: sent[name] for name in _AS_SENT if name in sent}
    return Response(
        id=identity(envelope),
        created_at=envelope.created,
        model=envelope.model,
        status="in_progress",
        conversation=_conversation(sent.get("conversation")),
        reasoning={"effort": None, "summary": None} | _reasoning(sent.get("reasoning") or {}),
        service_tier=_tier(sent.get("service_tier")),
        text=_text(sent.get("text") or {}),
        tools=[_tool(tool) for tool in sent.get("tools", ())],
        **known,
    )


def ended(response: Response, output: Output, at: int) -> Response:
    """Give a response that was whole at a time."""
    cut = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(output.reason or "")
    return msgspec.structs.replace(
        response,
        status="incomplete" if cut else "completed",
        completed_at=None if cut else at,
        incomplete_details=IncompleteDetails(cut) if cut else None,  # type: ignore[arg-type]  # one of two
        output=output.items,
        usage=usage_of(output.usage),
    )


def failed(response: Response, output: Output, failure: Failure) -> Response:
    """Give a response that is none."""
    items, usage = output.break_off(), usage_of(output.usage)
    if failure.code == _CANCELLED:
        return msgspec.structs.replace(response, status="cancelled", output=items, usage=usage)
    error = ResponseError(_code(failure), failure.message)
    return msgspec.structs.replace(response, status="failed", error=error, output=items, usage=usage)


def going_on(response: Response, items: Sequence[Item]) -> Response:
    """Give a response that is not whole yet, with what it has said by now."""
    return msgspec.structs.replace(response, status="in_progress" if items else "queued", output=list(items))


def usage_of(usage: Usage | None) -> ResponseUsage | None:
    """Give the tokens that were spent, where they are known."""
    if usage is None:
        return None
    return ResponseUsage(
        usage.input_tokens,
        InputDetails(usage.cached_tokens),
        usage.output_tokens,
        OutputDetails(usage.reasoning_tokens),
        usage.input_tokens + usage.output_tokens,
    )


def _code(failure: Failure) -> Any:
    if failure.status == 429:
        return "rate_limit_exceeded"
    return "server_error" if failure.status >= 500 else "invalid_prompt"


def _sent(asked: Asked) -> Mapping[str, Any]:
    """Give what the client sent; of another protocol's request, what this one has a place for."""
    return asked.sent if asked.sent is not None else _as_sent(asked.request)


def _as_sent(request: Request) -> dict[str, Any]:
    """Spell a request of chat completions as one of this protocol, as far as a response repeats it."""
    sent: dict[str, Any] = {
        name: value
        for name in (*_AS_SENT, "service_tier")
        if (value := getattr(request, name, None)) is not None and name != "store"
    }
    limit = request.max_tokens if request.max_completion_tokens is None else request.max_completion_tokens
    if limit is not None:
        sent["max_output_tokens"] = limit
    if request.reasoning_effort is not None:
        sent["reasoning"] = {"effort": request.reasoning_effort}
    if request.tools:
        sent["tools"] = [flat(tool) for tool in request.tools]
    if isinstance(request.tool_choice, dict):
        sent["tool_choice"] = flat(request.tool_choice)
    form = request.response_format
    sent["text"] = {"format": form and flat(form), "verbosity": request.verbosity}
    if request.logprobs:
        sent["include"] = [LOGPROBS]
    return sent


def _conversation(value: Any) -> Any:
    if value is None:
        return UNSET
    return ConversationRef(value if isinstance(value, str) else value["id"])


def _reasoning(sent: dict[str, Any]) -> dict[str, Any]:
    return {name: sent[name] for name in ("effort", "summary") if name in sent}


def _tier(sent: str | None) -> str:
    return "default" if sent in (None, "auto") else str(sent)


def _text(sent: dict[str, Any]) -> dict[str, Any]:
    form = sent.get("format") or {"type": "text"}
    if form["type"] == "json_schema":
        form = {"description": None, "strict": None} | form
    return {name: value for name, value in sent.items() if value is not None} | {"format": form}


def _tool(sent: dict[str, Any]) -> dict[str, Any]:
    if sent["type"] != "function":
        return sent
    return {"description": None, "parameters": None, "strict": None} | sent
