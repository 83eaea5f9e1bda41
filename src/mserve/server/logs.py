"""How logs look: lines of text for people, or JSON objects for machines, ours and uvicorn's alike."""

import json
import logging
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal

from uvicorn.config import LOG_LEVELS
from uvicorn.logging import DefaultFormatter

from mserve.web.lines import AccessLine
from mserve.web.record import current

from .tracebacks import brief

LogFormat = Literal["text", "brief", "json"]
"""`brief`: text, whose tracebacks have the author's own lines alone."""


_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
_NO_WORDS = {"levelno": logging.INFO, "levelname": "INFO", "message": ""}


class TextLines(DefaultFormatter):
    """Uvicorn's lines, with the id of the request that they are about."""

    def __init__(self) -> None:
        super().__init__("%(levelprefix)s %(message)s")
        self._before_access = super().formatMessage(logging.makeLogRecord(_NO_WORDS))

    def format(self, record: logging.LogRecord) -> str:
        """Give the line. That of a request in short: there is one for each."""
        return f"{self._before_access}{record.msg}" if isinstance(record.msg, AccessLine) else super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's own name
        """Give the line that comes before a traceback."""
        line = super().formatMessage(record)
        request = current.get(None)
        return line if request is None else f"{line} (request {request.id})"


class BriefLines(TextLines):
    """The same for who writes the programs, and looks for lines of their own."""

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802  # logging's own name
        """Give a traceback."""
        return super().formatException(ei) if ei[1] is None else brief(ei[1], ei[2])


class JsonLines(logging.Formatter):
    """One object each, in ASCII: whatever is told, no reader takes it for two."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line."""
        said, request = record.msg, current.get(None)
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if isinstance(said, AccessLine):
            return json.dumps(line | {"message": said.summary, **said.fields})
        line["message"] = record.getMessage()
        if request is not None:
            line["request_id"] = request.id
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


_LINES: dict[LogFormat, type[logging.Formatter]] = {"text": TextLines, "brief": BriefLines, "json": JsonLines}


def logging_config(level: str, lines: LogFormat, *, access: bool) -> dict[str, Any]:
    """Give the configuration of our log and uvicorn's, which keeps what it says of itself: we say where we serve."""
    ours = LOG_LEVELS[level]
    theirs = max(ours, logging.WARNING) if ours >= logging.INFO else ours
    handlers = {
        name: {"class": "logging.StreamHandler", "formatter": "lines", "stream": f"ext://sys.{stream}"}
        for name, stream in (("default", "stderr"), ("access", "stdout"))
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": _LINES[lines]}},
        "handlers": handlers,
        "loggers": {
            "mserve": {"handlers": ["default"], "level": ours, "propagate": False},
            "mserve.access": {
                "handlers": ["access"],
                "level": ours if access else logging.CRITICAL,
                "propagate": False,
            },
            "uvicorn": {"handlers": ["default"], "level": logging.INFO, "propagate": False},
            "uvicorn.error": {"level": theirs},
        },
    }
