"""A reply as one body, or as frames. It is text alone: reasoning, calls and sound have no place here."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import assert_never

import msgspec
from msgspec import UNSET

from mserve.events import (
    AudioDelta,
    Citation,
    Event,
    Failure,
    Finish,
    FinishReason,
    Logprob,
    ReasoningDelta,
    RefusalDelta,
    Said,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from mserve.protocols.base import Asked, Envelope, Whole, encode_error
from mserve.protocols.framing import frame, framed
from mserve.protocols.stream_options import includes_usage
from mserve.protocols.usage import ending, token_usage
from mserve.transcript import Reply, starts, total

from .schema import Completion, CompletionChoice, CompletionLogprobs, Reason


def whole(envelope: Envelope, asked: Asked) -> Whole:
    """Start a whole reply."""
    return Whole(len(asked.runs), partial(encode_reply, envelope, asked))


def encode_reply(envelope: Envelope, asked: Asked, replies: Sequence[Reply]) -> bytes:
    """Give the body of a whole reply."""
    choices = [_whole(number, asked, reply) for number, reply in enumerate(replies)]
    usage = token_usage(reply.usage for reply in replies) or UNSET
    return msgspec.json.encode(msgspec.structs.replace(_completion(envelope), choices=choices, usage=usage))


def encoder(envelope: Envelope, asked: Asked) -> "CompletionEncoder":
    """Start a stream; usage comes in a chunk of its own, where the client asked for it."""
    return CompletionEncoder(envelope, asked)


class CompletionEncoder:
    """Renders the frames of one stream."""

    def __init__(self, envelope: Envelope, asked: Asked) -> None:
        self._completion = _completion(envelope)
        self._include_usage = includes_usage(asked.request)
        self._choices = [_Choice(number, asked) for number in range(len(asked.runs))]
        self._failed = False

    def open(self) -> bytes:
        """Give nothing: there is no word yet."""
        return b""

    def encode(self, choice: int, events: Sequence[Said]) -> bytes:
        """Give the frames of the next events; an echoed prompt comes with the first of them."""
        frames = []
        for event in events:
            if isinstance(event, Failure):
                self._failed = True  # an error is the last word
                frames.append(framed(encode_error(event)))
            else:
                frames += [self._frame(piece) for piece in self._choices[choice].pieces(event)]
        return b"".join(frames)

    def close(self, _ended: int) -> bytes:
        """Give the usage, where it was asked for and is known, and the end of the stream."""
        told = self._include_usage and not self._failed
        return ending(self._completion, (choice.usage for choice in self._choices), told=told)

    def _frame(self, choice: CompletionChoice) -> bytes:
        return frame(msgspec.structs.replace(self._completion, choices=[choice]))


class _Choice:
    """One answer on its way out."""

    def __init__(self, number: int, asked: Asked) -> None:
        self.usage: Usage | None = None
        self._number = number
        self._logprobs = asked.request.logprobs
        self._echo = _echo(asked, number)
        self._length = 0
        self._refusal = ""

    def pieces(self, event: Event | str) -> list[CompletionChoice]:
        match event:
            case Usage():
                self.usage = total(self.usage, event)
                return []
            case str(text):
                return self._text(text, ())
            case TextDelta(text, logprobs):
                return self._text(text, logprobs)
            case RefusalDelta(text):
                self._refusal += text  # it stands behind the text, as in a whole reply
                return []
            case Finish(reason):
                return [
                    *self._text(self._refusal, ()),
                    CompletionChoice(index=self._number, text="", finish_reason=_reason(reason)),
                ]
            case ReasoningDelta() | ToolCallStart() | ToolCallDelta() | Citation() | AudioDelta():
                return []
            case _:
                assert_never(event)

    def _text(self, text: str, tokens: Sequence[Logprob]) -> list[CompletionChoice]:
        echo, self._echo = self._echo, ""
        logprobs = _columns(tokens, starts(tokens, self._length + len(echo))) if tokens and self._logprobs else None
        self._length += len(echo) + len(text)
        text = echo + text
        return [CompletionChoice(index=self._number, text=text, logprobs=logprobs)] if text or logprobs else []


def _whole(number: int, asked: Asked, reply: Reply) -> CompletionChoice:
    echo = _echo(asked, number)
    tokens = reply.logprobs if asked.request.logprobs else ()
    return CompletionChoice(
        index=number,
        text=echo + reply.text + reply.refusal,
        logprobs=_columns(tokens, (len(echo) + start for start in reply.starts)) if tokens else None,
        finish_reason=_reason(reply.reason),
    )


def _completion(envelope: Envelope) -> Completion:
    return Completion(id=f"cmpl-{envelope.key}", created=envelope.created, model=envelope.model)


def _echo(asked: Asked, number: int) -> str:
    return asked.echoes[number] if asked.echoes else ""


def _columns(tokens: Sequence[Logprob], offsets: Iterable[int]) -> CompletionLogprobs:
    return CompletionLogprobs(
        [token.token for token in tokens],
        [token.logprob for token in tokens],
        [{other.token: other.logprob for other in token.top_logprobs} for token in tokens],
        list(offsets),
    )


def _reason(reason: FinishReason) -> Reason:
    """Give a reason that this endpoint knows: a call that it has no place for has ended the text."""
    return "stop" if reason == "tool_calls" else reason
