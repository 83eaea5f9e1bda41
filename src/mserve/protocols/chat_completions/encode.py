"""A reply as one body."""

from base64 import b64encode
from collections.abc import Sequence
from functools import partial

import msgspec
from msgspec import UNSET

from mserve.protocols.base import Asked, Envelope, Whole
from mserve.protocols.usage import token_usage
from mserve.transcript import Audio, Reply, ToolCall

from .legacy import is_legacy, reason_of
from .parts import annotation, audio_id, audio_time, identity, logprobs_of, service_tier
from .reply_schema import (
    ChatCompletion,
    Choice,
    CustomCall,
    ReplyAudio,
    ReplyCustomCall,
    ReplyMessage,
    ReplyToolCall,
)
from .request_schema import FunctionCall


def whole(envelope: Envelope, asked: Asked) -> Whole:
    """Start a whole reply."""
    return Whole(len(asked.runs), partial(encode_reply, envelope, asked))


def encode_reply(envelope: Envelope, asked: Asked, replies: Sequence[Reply]) -> bytes:
    """Give the body of a whole reply."""
    request = asked.request
    return msgspec.json.encode(
        ChatCompletion(
            id=identity(envelope),
            created=envelope.created,
            model=envelope.model,
            choices=[_choice(number, reply, envelope, asked) for number, reply in enumerate(replies)],
            metadata=request.metadata or UNSET,
            service_tier=service_tier(request),
            usage=token_usage(reply.usage for reply in replies) or UNSET,
        )
    )


def _choice(number: int, reply: Reply, envelope: Envelope, asked: Asked) -> Choice:
    calls = reply.calls
    legacy = bool(calls) and is_legacy(asked.request)
    message = ReplyMessage(
        # Null where something else stands in the text's place.
        content=reply.text if reply.text or not (calls or reply.refusal or reply.audio) else None,
        refusal=reply.refusal or None,
        reasoning_content=reply.reasoning or UNSET,
        reasoning=reply.reasoning or UNSET,
        tool_calls=[_call(call) for call in calls] if calls and not legacy else UNSET,
        function_call=FunctionCall(calls[0].name, calls[0].arguments) if legacy else UNSET,
        annotations=[annotation(said) for said in reply.citations] if reply.citations else UNSET,
        audio=_audio(reply.audio, envelope) if reply.audio else UNSET,
    )
    asks_for_logprobs = asked.request.logprobs and reply.logprobs
    return Choice(
        index=number,
        message=message,
        logprobs=logprobs_of(reply.logprobs) if asks_for_logprobs else None,
        finish_reason=reason_of(reply.reason, legacy=legacy),
    )


def _call(call: ToolCall) -> ReplyToolCall | ReplyCustomCall:
    if call.type == "custom":
        return ReplyCustomCall(id=call.id, custom=CustomCall(call.name, call.arguments))
    return ReplyToolCall(id=call.id, function=FunctionCall(call.name, call.arguments))


def _audio(audio: Audio, envelope: Envelope) -> ReplyAudio:
    return ReplyAudio(
        id=audio_id(audio.id, envelope),
        expires_at=audio_time(audio.expires_at, envelope),
        data=b64encode(audio.data).decode(),
        transcript=audio.transcript,
    )
