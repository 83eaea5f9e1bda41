"""Hands a request on to any OpenAI-compatible server, and its stream back, chunk by chunk."""

import os
from typing import Any

from openai import APIStatusError, AsyncOpenAI, AsyncStream, omit
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from mserve import ClientError, Request

# Where to. The SDK's own variables stay for the clients of this program.
client = AsyncOpenAI(
    base_url=os.environ.get("UPSTREAM_BASE_URL", "https://api.openai.com/v1"),
    api_key=os.environ.get("UPSTREAM_API_KEY", "none"),
)
MODEL = os.environ.get("UPSTREAM_MODEL", "gpt-5-mini")


async def serve(request: Request) -> AsyncStream[ChatCompletionChunk] | ChatCompletion:
    """Send what the client sent, but for the model; usage is asked for always, and told to clients who ask."""
    parameters: dict[str, Any] = request.fields | {
        "messages": request.messages,
        "model": MODEL,
        "stream_options": {"include_usage": True} if request.stream else omit,
    }
    reply: AsyncStream[ChatCompletionChunk] | ChatCompletion
    try:
        reply = await client.chat.completions.create(**parameters, extra_body=request.extra)
    except APIStatusError as error:
        raise ClientError(error.message, error.status_code, error.code, error.param) from error
    return reply
