"""Ends a text where one of the client's stop sequences is complete, however its pieces fall. Never waits."""

from collections.abc import Sequence


class StopText:
    """Passes a text on, piece by piece, but for the end that may still become a stop sequence.

    The sequence that is complete first wins, and of those that are complete together the longest. `""` stops nothing.
    """

    def __init__(self, sequences: str | Sequence[str] | None) -> None:
        given = (sequences,) if isinstance(sequences, str) else sequences or ()
        self._sequences = [sequence for sequence in given if sequence]
        self._held = ""

    def feed(self, piece: str) -> tuple[str, bool]:
        """Give what may be said of the text so far, and whether it ends there."""
        if not self._sequences:
            return piece, False
        text = self._held + piece
        found = [(text.find(sequence) + len(sequence), text.find(sequence)) for sequence in self._sequences]
        cuts = [(end, start) for end, start in found if start >= 0]
        if cuts:
            self._held = ""
            return text[: min(cuts)[1]], True
        keep = next((size for size in range(self._longest(text), 0, -1) if self._may_become(text[-size:])), 0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep], False

    def rest(self) -> str:
        """Give what was held back, once the text has ended without becoming a stop sequence."""
        held, self._held = self._held, ""
        return held

    def _longest(self, text: str) -> int:
        return min(len(text), max(map(len, self._sequences)) - 1)

    def _may_become(self, tail: str) -> bool:
        return any(sequence.startswith(tail) for sequence in self._sequences)
