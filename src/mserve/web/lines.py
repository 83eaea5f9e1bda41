"""The access line of a request: told as text, or as the fields of a JSON object. Holds no body and no query."""

import json
import re
from urllib.parse import quote

from .record import Record

_LONGEST = 128
"""Characters of what a client chose: a line has an end."""
_PLAIN = re.compile(r"[\w.:/@%+-]+", re.ASCII)

Field = str | int | float | bool


class AccessLine:
    """What a log is told of a request that has ended."""

    def __init__(self, record: Record) -> None:
        fields: dict[str, Field | None] = {
            "client": record.client,
            "method": record.method and record.method[:_LONGEST],
            "path": record.path and quote(record.path[:_LONGEST], errors="replace"),
            "status": record.status,
            "end": record.end[:_LONGEST],
            "program": record.program,
            "model": record.model and record.model[:_LONGEST],
            "caller": record.caller,
            "stream": record.is_stream,
            "first_token_seconds": None if record.first is None else _rounded(record.first - record.started),
            **_speed(record),
            "bytes": record.bytes,
            "seconds": None if record.method is None else _rounded(record.ended - record.started),
            "request_id": record.id,
        }
        self.fields: dict[str, Field] = {name: value for name, value in fields.items() if value is not None}

    @property
    def summary(self) -> str:
        """The line's beginning, which is the same for every kind of request."""
        fields = self.fields
        asked = f"{_plain(fields['method'])} {fields['path']}" if "method" in fields else "-"
        return f'"{asked}" {fields.get("status", "-")} {_plain(fields["end"])}'

    def __str__(self) -> str:
        told = {"client", "method", "path", "status", "end"}
        rest = [f"{name}={_plain(value)}" for name, value in self.fields.items() if name not in told]
        return " ".join([_plain(self.fields.get("client", "-")), self.summary, *rest])


def _speed(record: Record) -> dict[str, Field | None]:
    """Say how fast the answer came: in tokens where the program told them, else in events."""
    if not record.runs:
        return {}
    usage = record.usage
    if usage is None:
        return {"events_per_second": _rounded(record.rate(record.events)), "events": record.events}
    return {
        "tokens_per_second": _rounded(record.rate(usage.output_tokens)),
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "events": record.events,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _plain(value: Field) -> str:
    """Spell a value so that nobody can write a second line into the log, nor another field."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)
