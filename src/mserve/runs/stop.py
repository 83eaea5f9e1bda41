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
        found = [(text.find(sequence) + len(sequence), text.find(sequence)) for sequence in self._sequences]
        cuts = [(end, start) for end, start in found if start >= 0]
        if cuts:
            self._held = ""
            return self._tokens.passed(text[: min(cuts)[1]]), True
        keep = next((size for size in range(self._longest(text), 0, -1) if self._may_become(text[-size:])), 0)
        self._held = text[len(text) - keep :]
        return self._tokens.passed(text[: len(text) - keep]), False

    def rest(self) -> TextDelta | None:
        """Give what was held back, once the text has ended without becoming a stop sequence."""
        held, self._held = self._held, ""
        return self._tokens.passed(held)

    def _longest(self, text: str) -> int:
        return min(len(text), max(map(len, self._sequences)) - 1)

    def _may_become(self, tail: str) -> bool:
        return any(sequence.startswith(tail) for sequence in self._sequences)


class _Tokens:
    """The log probabilities of the text that is held back, each with the place where its token's text ends."""

    def __init__(self) -> None:
        self._said = self._passed = 0
        self._waiting: deque[tuple[int, Logprob]] = deque()

    def add(self, piece: TextDelta) -> None:
        for end, token in _ends(piece):
            self._waiting.append((self._said + end, token))
        self._said += len(piece.text)

    def passed(self, text: str) -> TextDelta | None:
        """Give a text that is passed on, with the tokens that end in it."""
        self._passed += len(text)
        tokens = []
        while self._waiting and self._waiting[0][0] <= self._passed:
            tokens.append(self._waiting.popleft()[1])
        return TextDelta(text, tuple(tokens)) if text or tokens else None


def _ends(piece: TextDelta) -> Iterator[tuple[int, Logprob]]:
    """Give each token with its end: where the tokens do not spell the text, all end with it."""
    end, spelt = 0, "".join(token.token for token in piece.logprobs) == piece.text
    for token in piece.logprobs:
        end = end + len(token.token) if spelt else len(piece.text)
        yield end, token
