"""Ends a text where one of the client's stop sequences is complete, however its pieces fall. Never waits."""

from collections import deque
from collections.abc import Iterator, Sequence

from mserve.events import Logprob, TextDelta


class StopText:
    """Passes a text on, piece by piece, but for the end that may still become a stop sequence.

    The sequence that is complete first wins, and of those that are complete together the longest. `""` stops nothing.
    Tokens keep their log probabilities; those that reach into what is cut lose them.
    """

    def __init__(self, sequences: str | Sequence[str] | None) -> None:
        given = (sequences,) if isinstance(sequences, str) else sequences or ()
        self._sequences = [sequence for sequence in given if sequence]
        self._held = ""
        self._tokens = _Tokens()

    def feed(self, piece: TextDelta) -> tuple[TextDelta | None, bool]:
        """Give what may be said of the text so far, None for nothing, and whether it ends there."""
        if not self._sequences:
            return piece, False
        self._tokens.add(piece)
        text = self._held + piece.text
        found = [(text.find(sequence), len(sequence)) for sequence in self._sequences]
        cuts = [(start + size, start) for start, size in found if start >= 0]
        if cuts:
            self._held = ""
            return self._tokens.passed(text[: min(cuts)[1]]), True
        passed = self._tokens.border(min(_becoming(text, sequence) for sequence in self._sequences))
        self._held = text[passed:]
        return self._tokens.passed(text[:passed]), False

    def rest(self) -> TextDelta | None:
        """Give what was held back, once the text has ended without becoming a stop sequence."""
        held, self._held = self._held, ""
        return self._tokens.passed(held)


def _becoming(text: str, sequence: str) -> int:
    """Give where the end of a text begins that may still become a sequence: the text's own end, where none may."""
    start = max(0, len(text) - len(sequence) + 1)
    while (start := text.find(sequence[0], start)) >= 0:
        if sequence.startswith(text[start:]):
            return start
        start += 1
    return len(text)


class _Tokens:
    """The log probabilities of the text that is held back, each with the place of its token's text."""

    def __init__(self) -> None:
        self._said = self._passed = 0
        self._waiting: deque[tuple[int, int, Logprob]] = deque()

    def add(self, piece: TextDelta) -> None:
        for start, end, token in _places(piece):
            self._waiting.append((self._said + start, self._said + end, token))
        self._said += len(piece.text)

    def border(self, size: int) -> int:
        """Give how much of a text may pass where it shall not end within a token, so that each keeps its place."""
        end = self._passed + size
        within = next((start for start, stop, _ in self._waiting if start < end < stop), end)
        return within - self._passed

    def passed(self, text: str) -> TextDelta | None:
        """Give a text that is passed on, with the tokens that end in it."""
        self._passed += len(text)
        tokens = []
        while self._waiting and self._waiting[0][1] <= self._passed:
            tokens.append(self._waiting.popleft()[2])
        return TextDelta(text, tuple(tokens)) if text or tokens else None


def _places(piece: TextDelta) -> Iterator[tuple[int, int, Logprob]]:
    """Give each token with its place: where the tokens do not spell the text, it is the whole text for each."""
    end, spelt = 0, "".join(token.token for token in piece.logprobs) == piece.text
    for token in piece.logprobs:
        start = end if spelt else 0
        end = start + len(token.token) if spelt else len(piece.text)
        yield start, end, token
