"""FastAPI as it is usually written: a generator behind a StreamingResponse, and Pydantic's models for each chunk."""

import sys
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from program import serve
from pydantic import BaseModel, Field


class Message(BaseModel):
    """A message of a request, or of a reply."""

    role: str
    content: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None


class ChatRequest(BaseModel):
    """A request."""

    model: str
    messages: list[Message]
    temperature: float | None = None
    stream: bool = False
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None


class Choice(BaseModel):
    """A choice of a reply."""

    index: int = 0
    message: Message
    finish_reason: str = "stop"


class Completion(BaseModel):
    """A reply."""

    id: str = Field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    object: str = "chat.completion"
    created: int = Field(default_factory=lambda: int(time.time()))
    model: str
    choices: list[Choice]


class Delta(BaseModel):
    """What a chunk adds."""

    role: str | None = None
    content: str | None = None


class ChunkChoice(BaseModel):
    """A choice of a chunk."""

    index: int = 0
    delta: Delta
    finish_reason: str | None = None


class Chunk(BaseModel):
    """A piece of a reply."""

    id: str
    object: str = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]


app = FastAPI()


async def frames(model: str, prompt: str) -> AsyncIterator[str]:
    """Give a stream's frames."""
    identity, created = f"chatcmpl-{uuid.uuid4().hex}", int(time.time())

    def frame(delta: Delta, finish_reason: str | None = None) -> str:
        choice = ChunkChoice(delta=delta, finish_reason=finish_reason)
        chunk = Chunk(id=identity, created=created, model=model, choices=[choice])
        return f"data: {chunk.model_dump_json()}\n\n"

    yield frame(Delta(role="assistant"))
    async for word in serve(prompt):
        yield frame(Delta(content=word))
    yield frame(Delta(), "stop")
    yield "data: [DONE]\n\n"


@app.post("/v1/chat/completions", response_model=None)
async def chat(request: ChatRequest) -> StreamingResponse | Completion:
    """Answer."""
    prompt = request.messages[-1].content or ""
    if request.stream:
        return StreamingResponse(frames(request.model, prompt), media_type="text/event-stream")
    text = "".join([word async for word in serve(prompt)])
    return Completion(model=request.model, choices=[Choice(message=Message(role="assistant", content=text))])


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False)
