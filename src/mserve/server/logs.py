"""How logs look: lines of text for people, or JSON objects for machines, ours and uvicorn's alike."""

import json
import logging
from datetime import UTC, datetime
from typing import Any, Literal

from uvicorn.config import LOG_LEVELS
from uvicorn.logging import DefaultFormatter

from mserve.web.lines import AccessLine
from mserve.web.record import current

LogFormat = Literal["text", "json"]


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
        "formatters": {"lines": {"()": TextLines if lines == "text" else JsonLines}},
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
