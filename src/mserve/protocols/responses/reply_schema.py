"""The types of a response and its items, as OpenAI and Open Responses spell them."""

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType, field

ItemStatus = Literal["in_progress", "completed", "incomplete"]
ResponseStatus = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]


class TopLogprob(Struct, frozen=True):
    """A token that might have stood here."""

    token: str
    logprob: float
    bytes: tuple[int, ...] = ()


class TokenLogprob(Struct, frozen=True):
    """A token, as a part's whole text has it."""

    token: str
    logprob: float
    bytes: tuple[int, ...]
    top_logprobs: list[TopLogprob]


class UrlCitation(Struct, frozen=True, tag="url_citation"):
    """Where a part of the text is from: its characters from `start_index` to `end_index`."""

    url: str
    start_index: int
    end_index: int
    title: str


class OutputText(Struct, frozen=True, tag="output_text"):
    """A text."""

    text: str
    annotations: list[UrlCitation]
    logprobs: list[TokenLogprob]


class Refusal(Struct, frozen=True, tag="refusal"):
    """What stands in a text's place."""

    refusal: str


class ReasoningText(Struct, frozen=True, tag="reasoning_text"):
    """A thought."""

    text: str


class SummaryText(Struct, frozen=True, tag="summary_text"):
    """A thought, for a client that asked for a summary."""

    text: str


class Message(Struct, frozen=True, tag="message"):
    """What was answered."""

    id: str
    status: ItemStatus
    content: list[OutputText | Refusal]
    role: Literal["assistant"] = "assistant"


class ReasoningItem(Struct, frozen=True, tag="reasoning"):
    """What was thought."""

    id: str
    summary: list[SummaryText]
    status: ItemStatus
    content: list[ReasoningText] | UnsetType = UNSET


class FunctionCall(Struct, frozen=True, tag="function_call"):
    """A function that the client shall call; `arguments` is JSON text."""

    id: str
    call_id: str
    name: str
    arguments: str
    status: ItemStatus


class CustomCall(Struct, frozen=True, tag="custom_tool_call"):
    """A tool that takes a text as it is."""

    id: str
    call_id: str
    name: str
    input: str
    status: ItemStatus


Item = Message | ReasoningItem | FunctionCall | CustomCall
Part = OutputText | Refusal | ReasoningText


class InputDetails(Struct, frozen=True):
    """Which tokens of the request were cheap."""

    cached_tokens: int
    cache_write_tokens: int = 0


class OutputDetails(Struct, frozen=True):
    """Which tokens of the answer were thought and not said."""

    reasoning_tokens: int


class ResponseUsage(Struct, frozen=True):
    """Tokens spent."""

    input_tokens: int
    input_tokens_details: InputDetails
    output_tokens: int
    output_tokens_details: OutputDetails
    total_tokens: int


ErrorCode = Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]
"""Those of OpenAI's codes that can be true here; its clients know no other."""


class ResponseError(Struct, frozen=True):
    """Why there is no answer."""

    code: ErrorCode
    message: str


class IncompleteDetails(Struct, frozen=True):
    """Why an answer is cut."""

    reason: Literal["max_output_tokens", "content_filter"]


class ConversationRef(Struct, frozen=True):
    """The conversation that an answer belongs to."""

    id: str


class Response(Struct, frozen=True, kw_only=True):
    """An answer, whole or on its way. What a client left out has the default of OpenAI's API."""

    id: str
    object: Literal["response"] = "response"
    created_at: int
    """Seconds since 1970."""
    completed_at: int | None = None
    status: ResponseStatus
    background: bool = False
    conversation: ConversationRef | UnsetType = UNSET
    error: ResponseError | None = None
    frequency_penalty: float = 0.0
    incomplete_details: IncompleteDetails | None = None
    instructions: str | None = None
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    metadata: dict[str, str] = {}
    model: str
    output: list[Item] = []
    parallel_tool_calls: bool = True
    presence_penalty: float = 0.0
    previous_response_id: str | None = None
    prompt_cache_key: str | None = None
    reasoning: dict[str, str | None] = field(default_factory=lambda: {"effort": None, "summary": None})
    safety_identifier: str | None = None
    service_tier: str = "default"
    store: bool = True
    temperature: float = 1.0
    text: dict[str, Any] = field(default_factory=lambda: {"format": {"type": "text"}})
    tool_choice: str | dict[str, Any] = "auto"
    tools: list[dict[str, Any]] = []
    top_logprobs: int = 0
    top_p: float = 1.0
    truncation: Literal["auto", "disabled"] = "disabled"
    usage: ResponseUsage | None = None
    user: str | UnsetType = UNSET
