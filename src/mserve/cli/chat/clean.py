"""Takes out of a text what a terminal would obey, and what would make it look like another text."""

import re

_COMMANDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""The controls of ASCII and Latin-1, but for a line's end and a tab; what turns a line's direction; half characters."""
_SHOWN = "\ufffd"


def clean(text: str) -> str:
    """Give a text that may be printed, line by line as it was."""
    return _COMMANDS.sub(_SHOWN, text.replace("\r", ""))


def clean_line(text: str, longest: int = 200) -> str:
    """Give a text that may be printed on one line."""
    line = clean(" ".join(text.split()))
    return line if len(line) <= longest else line[: longest - 1] + "…"


def vanished(text: str) -> str:
    """Give what a line is made of that was laid out already: nothing may make it longer."""
    return _COMMANDS.sub("", text).replace("\n", "").replace("\t", " ")


def whole(text: str) -> str:
    """Join characters that came in two halves, and replace those whose other half never came."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
