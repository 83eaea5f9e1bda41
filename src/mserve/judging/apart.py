"""Judges in a process of its own, which can be ended: what a stranger's schema costs has no other limit.

As `python -m mserve.judging.apart SECONDS`, it is that process: one question on stdin, its answer on stdout.
"""

import asyncio
import faulthandler
import logging
import sys
from contextlib import suppress

import msgspec
from msgspec import Struct

from .rules import SchemaError, validator, violation

log = logging.getLogger("mserve")

SPENT = 3
"""The exit code of a judge whose memory is spent."""
_MEMORY = 1024 * 1024 * 1024


class Question(Struct, frozen=True):
    """A schema's JSON, and the text to compare with it; None asks whether the schema is one."""

    schema: bytes
    text: str | None


class Verdict(Struct, frozen=True):
    """What is wrong, None where nothing is."""

    wrong: str | None


def judge(question: Question) -> Verdict:
    """Answer in this process."""
    if question.text is not None:
        return Verdict(violation(question.schema, question.text))
    try:
        validator(question.schema)
    except SchemaError as error:
        return Verdict(str(error))
    return Verdict(None)


class JudgeError(Exception):
    """The process that judges is broken: nothing of the question's. The log has the reason."""


async def judge_apart(question: Question, seconds: float) -> Verdict:
    """Answer in a process of its own; `TimeoutError` once its time or its memory is spent, else `JudgeError`."""
    process = await asyncio.create_subprocess_exec(
        # -P: the folder that this process runs in must not decide what `mserve` or `msgspec` is.
        *(sys.executable, "-P", "-m", __name__, str(seconds + 1)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(seconds):
            out, said = await process.communicate(msgspec.json.encode(question))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    code = process.returncode
    if code == 0:
        return msgspec.json.decode(out, type=Verdict)
    if code == SPENT or (code is not None and code < 0):  # by a signal, as an allocation that fails ends it
        raise TimeoutError
    last = said.decode(errors="replace").strip().rpartition("\n")[2]
    log.error("the process that judges answers failed with exit code %s: %s", code, last[:200])
    raise JudgeError


def main() -> None:
    """Answer the question on stdin."""
    # Should the server die first, nobody else would end it; and no code of ours runs while the validator works.
    faulthandler.dump_traceback_later(float(sys.argv[1]), exit=True)
    with suppress(ImportError):  # where there is no such limit
        import resource  # noqa: PLC0415

        _, most = resource.getrlimit(resource.RLIMIT_AS)
        memory = _MEMORY if most == resource.RLIM_INFINITY else min(_MEMORY, most)
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
    try:
        verdict = judge(question)
    except MemoryError:
        sys.exit(SPENT)
    sys.stdout.buffer.write(msgspec.json.encode(verdict))


if __name__ == "__main__":
    main()
