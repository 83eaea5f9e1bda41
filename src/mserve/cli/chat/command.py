"""`mserve chat`: talk to a server or a program in the terminal."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

from cyclopts import Parameter
from cyclopts.validators import Number

from mserve.cli.failure import errors, told, told_in_words
from mserve.errors import MserveError

from .clean import clean_line
from .commands import Commands
from .nearest import nearest
from .prompt import Prompt
from .session import Session
from .target import reached
from .tools import read_tools

_INTERRUPTED = 128 + signal.SIGINT


def chat(
    target: str,
    *,
    once: str | None = None,
    model: str | None = None,
    system: str | None = None,
    api_key: str | None = None,
    temperature: Annotated[float | None, Parameter(validator=Number(gte=0, lte=2))] = None,
    tools: str | None = None,
    max_tokens: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
) -> None:
    """Talk to a server, or to a program that is served for as long as you talk. A piped question is answered, too.

    Parameters
    ----------
    target
        A server's URL, such as http://127.0.0.1:8000/v1, or a program as mserve run takes it.
    once
        Answer this one question, and end: with 1, if that fails.
    model
        Whom to talk to; the first in the server's list unless said otherwise.
    system
        What stands before the conversation.
    api_key
        The server's key; better in MSERVE_API_KEY or OPENAI_API_KEY, which no list of processes shows.
    temperature
        How far answers may stray, from 0 to 2.
    tools
        A file with the tools to offer: a JSON list of them, as the API has it.
    max_tokens
        How long an answer may be.

    """
    fields = {"temperature": temperature, "max_tokens": max_tokens}
    with told_in_words(), _read_to_the_end():
        signal.signal(signal.SIGTERM, _leave)  # at a prompt, an interrupt would mean something else
        question = _question(once)
        offered = [] if tools is None else read_tools(tools)
        with reached(target, api_key) as (api, printed), asyncio.Runner() as runner:
            given = {name: value for name, value in fields.items() if value is not None}
            with Session(api, runner, given, system, printed) as session:
                session.tools = offered
                _talk(session, _chosen(session.models(), model), question)


def _question(once: str | None) -> str | None:
    """Give the one question that there is; None where somebody sits there and asks."""
    if once is None:
        if sys.stdin is not None and sys.stdin.isatty():
            return None
        once = "" if sys.stdin is None else sys.stdin.buffer.read().decode(errors="replace").strip()
    if not once.strip():
        raise MserveError("nothing was asked")
    return once


def _talk(session: Session, model: str, question: str | None) -> None:
    session.model = model
    if question is None:
        _converse(session)
    else:
        _answer(session, question)


def _answer(session: Session, question: str) -> None:
    reply = session.ask(question)
    if reply is None or reply.was_stopped:
        sys.exit(1 if reply is None else _INTERRUPTED)


def _converse(session: Session) -> None:
    print(f"Talking to {clean_line(session.model)} at {session.api.shown}  (/help; Ctrl-D ends)")
    prompt = Prompt()
    commands = Commands(session, prompt)
    while not commands.has_quit and (said := prompt.message()) is not None:
        if said.startswith("/"):
            commands.do(said)
        else:
            session.converse(said, prompt)


@contextmanager
def _read_to_the_end() -> Iterator[None]:
    """End without a word where nobody reads what is said."""
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python writes what is left at its end
        sys.exit(1)


def _chosen(models: list[str], wanted: str | None) -> str:
    name = wanted or next(iter(models), None)
    if name is None:
        raise MserveError("the server has no list of models: say which by --model")
    if models and name not in models:  # some servers take any name
        others = f"it has {clean_line(', '.join(models))}"
        errors.print(told(f"the server lists no model {clean_line(name)}: {nearest(name, models, others)}"))
    return name


def _leave(number: int, _frame: Any) -> NoReturn:
    sys.exit(128 + number)
