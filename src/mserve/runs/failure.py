"""What a client is told of an exception, and what the log is: a stranger gets no text that was not meant for one."""

import logging
import traceback
from pathlib import Path
from types import TracebackType

from mserve.errors import ClientError, InvalidOutputError, MserveError
from mserve.events import Failure
from mserve.own import own_frames

log = logging.getLogger("mserve.program")

PROGRAM_ERROR = "program_error"
"""The code of every failure that is the program's."""
INVALID_OUTPUT = "invalid_output"
"""The code of an answer that is not what the client asked for."""

_LONGEST = 4000
"""Characters of an exception, and of the line that raised it, that a client is shown."""
_OURS = Path(__file__).parent.parent
_FAILED = Failure(
    500, "The program failed while answering. Its operator finds the reason in the server's log.", PROGRAM_ERROR
)


def failure_of(error: BaseException, program: str, *, shows: bool = False) -> Failure:
    """Turn what a program raised into what the client is told; all but a `ClientError` goes to the log.

    `shows`: the client is who wrote the program, and is told what happened, and where.
    """
    told = _client_error(error)
    if told is not None:
        try:
            return failure_of_client(told)
        except Exception:  # a subclass of the program's own, whose parts are missing or cannot be text
            log.exception("program %s raised a ClientError that cannot be told", program)
            return _FAILED
    if isinstance(error, MserveError):
        log.error("program %s: %s", program, error)
        if isinstance(error, InvalidOutputError):
            return Failure(502, str(error), INVALID_OUTPUT)
    else:
        log.error("program %s failed", program, exc_info=(type(error), error, _of_the_program(error.__traceback__)))
    return Failure(500, _shown(error), PROGRAM_ERROR) if shows else _FAILED


def _shown(error: BaseException) -> str:
    """Say what happened and at which line of the author's code."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, MserveError):
        return _text(error)
    said = "".join(traceback.format_exception_only(error)).strip()
    said = _cut(said)
    frames = own_frames(error)
    if not frames:
        return _text(said)
    place, line = frames[-1], frames[-1].line
    at = f"({Path(place.filename).name}, line {place.lineno}, in {place.name})"
    return _text(f"{said} {at}\n    {_cut(line)}" if line else f"{said} {at}")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


def failure_of_client(error: ClientError) -> Failure:
    """Say what was meant for the client. Its author may have put anything in it: it becomes text that can be sent."""
    return Failure(error.status, _text(error.message), _optional(error.code), _optional(error.param))


def _optional(value: object) -> str | None:
    return None if value is None else _text(value)


def _text(value: object) -> str:
    return str(value).encode(errors="replace").decode()


def _client_error(error: BaseException) -> ClientError | None:
    """Find a word to the client, alone or among the errors of a group."""
    if isinstance(error, ClientError):
        return error
    if isinstance(error, BaseExceptionGroup):
        return next((found for inner in error.exceptions if (found := _client_error(inner))), None)
    return None


def _of_the_program(traceback: TracebackType | None) -> TracebackType | None:
    """Skip the frames of ours that lead to the program's: its author can do nothing with them."""
    frame = traceback
    while frame is not None and Path(frame.tb_frame.f_code.co_filename).is_relative_to(_OURS):
        frame = frame.tb_next
    return frame or traceback
