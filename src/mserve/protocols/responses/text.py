"""The text of a message: its pieces, their tokens, and where it is from."""

from collections.abc import Iterator, Sequence

from mserve.events import Citation, Logprob

from .event_schema import AnnotationAdded, DeltaLogprob, PartAdded, PartDone, StreamEvent, TextDone, TextPiece
from .place import PartPlace
from .reply_schema import OutputText, TokenLogprob, TopLogprob, UrlCitation


class TextPart:
    """One text. `start` counts the characters of the response's texts before it."""

    def __init__(self, *, start: int, has_logprobs: bool) -> None:
        self.pieces: list[str] = []
        self.start = start
        self._is_done = False
        self._at = PartPlace("", 0, 0)
        self._has_logprobs = has_logprobs
        self._tokens: list[Logprob] = []
        self._notes: list[UrlCitation] = []

    @property
    def end(self) -> int:
        """Count the characters of the response's texts up to its end."""
        return self.start + sum(map(len, self.pieces))

    @property
    def value(self) -> OutputText:
        """The text so far."""
        return OutputText("".join(self.pieces), list(self._notes), [_token(token) for token in self._tokens])

    def begin(self, at: PartPlace) -> Iterator[StreamEvent]:
        """Tell of a text that has no word yet."""
        self._at = at
        yield PartAdded(
            item_id=self._at.item_id,
            output_index=self._at.output_index,
            content_index=self._at.content_index,
            part=OutputText("", [], []),
        )

    def piece(self, text: str, tokens: Sequence[Logprob] = ()) -> TextPiece:
        """Tell of a piece, without taking it."""
        return TextPiece(
            item_id=self._at.item_id,
            output_index=self._at.output_index,
            content_index=self._at.content_index,
            delta=text,
            logprobs=[_delta_token(token) for token in tokens] if self._has_logprobs else [],
        )

    def add(self, text: str, tokens: Sequence[Logprob]) -> TextPiece:
        """Take a piece, and tell of it."""
        self.pieces.append(text)
        if self._has_logprobs:
            self._tokens += tokens
        return self.piece(text, tokens)

    def cite(self, citation: Citation) -> Iterator[StreamEvent]:
        """Note a source. Where the text is whole already, it is found in the response alone."""
        note = UrlCitation(citation.url, citation.start - self.start, citation.end - self.start, citation.title)
        self._notes.append(note)
        if not self._is_done:
            yield AnnotationAdded(
                item_id=self._at.item_id,
                output_index=self._at.output_index,
                content_index=self._at.content_index,
                annotation_index=len(self._notes) - 1,
                annotation=note,
            )

    def finish(self) -> Iterator[StreamEvent]:
        """Tell of the whole text."""
        self._is_done = True
        value = self.value
        yield TextDone(
            item_id=self._at.item_id,
            output_index=self._at.output_index,
            content_index=self._at.content_index,
            text=value.text,
            logprobs=value.logprobs,
        )
        yield PartDone(
            item_id=self._at.item_id,
            output_index=self._at.output_index,
            content_index=self._at.content_index,
            part=value,
        )


def _token(token: Logprob) -> TokenLogprob:
    others = [TopLogprob(other.token, other.logprob, _bytes(other)) for other in token.top_logprobs]
    return TokenLogprob(token.token, token.logprob, _bytes(token), others)


def _delta_token(token: Logprob) -> DeltaLogprob:
    return DeltaLogprob(token.token, token.logprob, [DeltaLogprob(o.token, o.logprob) for o in token.top_logprobs])


def _bytes(token: Logprob) -> tuple[int, ...]:
    """Give a token's bytes, which have to be told here: where nobody did, they are those of its text."""
    return tuple(token.token.encode()) if token.bytes is None else token.bytes
