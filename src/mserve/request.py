"""What a client may ask: one shape for all protocols, spelt as chat completions does, since programs read it so."""

from typing import Any

from msgspec import Struct, field


class Parameters(Struct, frozen=True, kw_only=True):
    """The parameters of `POST /v1/chat/completions` but for the messages. None: not sent, or sent as null.

    Objects and lists are the client's own dicts and lists, unknown keys too.
    """

    model: str | None = None
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None
    # sampling
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    max_completion_tokens: int | None = None
    max_tokens: int | None = None
    n: int | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    # tools
    function_call: str | dict[str, Any] | None = None
    functions: list[dict[str, Any]] | None = None
    parallel_tool_calls: bool | None = None
    tool_choice: str | dict[str, Any] | None = None
    tools: list[dict[str, Any]] | None = None
    web_search_options: dict[str, Any] | None = None
    # the shape of the reply
    audio: dict[str, Any] | None = None
    logprobs: bool | None = None
    modalities: list[str] | None = None
    response_format: dict[str, Any] | None = None
    top_logprobs: int | None = None
    # hints
    metadata: dict[str, str] | None = None
    moderation: dict[str, Any] | None = None
    prediction: dict[str, Any] | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: dict[str, Any] | None = None
    prompt_cache_retention: str | None = None
    reasoning_effort: str | None = None
    safety_identifier: str | None = None
    service_tier: str | None = None
    store: bool | None = None
    user: str | None = None
    verbosity: str | None = None


class Request(Parameters, frozen=True, kw_only=True):
    """One request, checked. `fields` holds what was sent and is no null; `extra` what no parameter is named for.

    `tools` and `tool_choice` hold what a client of the older API sent as `functions` and `function_call`, too.
    """

    messages: list[dict[str, Any]]
    fields: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
