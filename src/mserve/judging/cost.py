"""Bounds what a schema can cost, before anybody pays it. An overestimate costs time, an underestimate the server's."""

import re
from typing import Any

from msgspec import Struct

_MOST = 4000
"""Parts of a schema that are counted; one that has more is heavy."""
_LARGEST = 128 * 1024
"""Characters of a schema that is read on the event loop, and kept."""
_PART = 400
"""Steps to read a part."""
_READ = 40.0
"""Steps to read a character of an answer, whatever it is compared with: `1e308` becomes many digits."""
_TOLD = 150
"""Steps to put one of the reasons why no branch fits into words: a validator gives them all, in objects."""
_NUMBER = 2**63

_APPLIED_BY_REFERENCE = frozenset({"$defs", "definitions"})
_NAMED = frozenset({"$id", "id"})
"""Names of a part: a `$ref` inside it may mean another part than its pointer says, at the root alone it does not."""
_HEAVY = frozenset({"$dynamicRef", "$recursiveRef", "unevaluatedItems", "unevaluatedProperties"})
"""What leads elsewhere than it says, and what compares all over again at each level."""
_BRANCHES = frozenset({"anyOf", "oneOf"})
_QUOTIENT = 300
"""Steps of a `multipleOf`: it divides exactly."""
_EXACT = 10
"""Steps to compare two numbers: they may be long."""
_POINTER = re.compile(r"#?|#(?:/[\w$.~-]*)+", re.ASCII)
"""A `$ref` that can mean one part only: what is escaped in it may be read in two ways."""
_PLAIN = re.compile(r"(?:[^\\(){}+*?]|\)|\\[^\w]|\\[dDwWsStnrfv]|\((?!\?)|\(\?:|[+*?](?!\+))*", re.ASCII | re.DOTALL)
"""A pattern whose search is linear, and which is no longer than it looks: nothing looks around, back or counts."""


class Cost(Struct, frozen=True):
    """What a schema's use costs at most, in steps of about a tenth of a microsecond."""

    compiling: float
    each: float
    """For each character of an answer that is compared."""
    pair: float
    """For each pair of them."""
    telling: float
    """For each character of an answer that does not fit: the same, and saying why."""

    def judging(self, length: int) -> float:
        """Bound the comparison of an answer."""
        length = max(length, 1)  # nothing times infinity is no number
        return self.compiling + self.each * length + self.pair * length**2

    def judging_aloud(self, length: int) -> float:
        """Bound the comparison of an answer with what is said of it."""
        return self.judging(length) + self.telling * max(length, 1)


_INFINITE = float("inf")
_UNREAD = Cost(_INFINITE, _INFINITE, _INFINITE, _INFINITE)


class _HeavyError(Exception):
    """There is no bound."""


def cost_of(schema: Any, size: int) -> Cost:
    """Bound the cost of a schema, whose JSON has this size: infinite where there is no bound to be seen.

    That is where references go in circles or elsewhere, or a pattern is no plain one.
    """
    if size > _LARGEST:
        return _UNREAD
    count = _Count(schema)
    try:
        count.read(schema)
    except (_HeavyError, RecursionError):
        return _UNREAD
    try:
        count.unfold(schema)
    except (_HeavyError, RecursionError):
        return Cost(count.compiling, _INFINITE, _INFINITE, _INFINITE)
    return Cost(count.compiling, count.steps, count.pairs, count.told * (_TOLD + size / 16))


class _Count:
    """Walks through a schema. Takes every object in it for a schema, which counts some too many."""

    def __init__(self, root: Any) -> None:
        self.compiling = 0.0
        self.steps = _READ
        self.pairs = 0.0
        self.told = 0
        self._root = root
        self._read = self._unfolded = 0

    def read(self, node: Any) -> None:
        """Count each part once, and the letters of its patterns: what compiling costs."""
        for name, value in _items(node):
            self._read = _next(self._read)
            self.compiling += _PART
            if name in _HEAVY or (name in _NAMED and isinstance(value, str) and node is not self._root):
                raise _HeavyError
            if isinstance(value, int) and not -_NUMBER <= value < _NUMBER:
                raise _HeavyError
            for pattern in _patterns(name, value):
                if not _PLAIN.fullmatch(pattern):
                    raise _HeavyError
                self.compiling += 200 * len(pattern) + 8 * len(pattern) ** 2
            self.read(value)

    def unfold(self, node: Any, *, told: bool = False) -> None:
        """Count each part as often as references lead to it, circles without end: what comparing a value with it costs.

        `told` parts are those whose every error is told, not the first alone.
        """
        for name, value in _items(node):
            self._unfolded = _next(self._unfolded)
            self.told += told
            self.steps += _steps(name, value)
            if name == "uniqueItems":
                self.pairs += 1 / 32  # all may have the same hash
            if name == "$ref" and isinstance(value, str):
                self.unfold(self._meant(value), told=told)
            elif name not in _APPLIED_BY_REFERENCE or node is not self._root:
                self.unfold(value, told=told or name in _BRANCHES)

    def _meant(self, ref: str) -> Any:
        """Follow a pointer; what it cannot follow, the validator will judge."""
        if not _POINTER.fullmatch(ref):
            raise _HeavyError
        part = self._root
        for step in ref.split("/")[1:]:
            try:
                part = part[step.replace("~1", "/").replace("~0", "~")]
            except (KeyError, TypeError) as error:
                raise _HeavyError from error
        return part


def _next(number: int) -> int:
    if number == _MOST:
        raise _HeavyError
    return number + 1


def _steps(name: Any, value: Any) -> int:
    """Count what one part costs for each character that is compared with it."""
    if name == "multipleOf":
        return _QUOTIENT
    if isinstance(value, int | float):
        return _EXACT
    return 1 + sum(4 * len(pattern) for pattern in _patterns(name, value))


def _items(node: Any) -> list[tuple[Any, Any]]:
    if isinstance(node, dict):
        return list(node.items())
    return list(enumerate(node)) if isinstance(node, list) else []


def _patterns(name: Any, value: Any) -> list[str]:
    if name == "pattern" and isinstance(value, str):
        return [value]
    return list(value) if name == "patternProperties" and isinstance(value, dict) else []
