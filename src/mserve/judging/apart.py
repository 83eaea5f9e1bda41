"""Judges in a process of its own, which can be ended: what a stranger's schema costs has no other limit.

As `python -m mserve.judging.apart SECONDS`, it is that process: one question on stdin, its answer on stdout.
"""

import asyncio
import faulthandler
import sys

import msgspec
from msgspec import Struct

from .rules import SchemaError, validator, violation


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


async def judge_apart(question: Question, seconds: float) -> Verdict:
    """Answer in a process of its own; `TimeoutError` once its time is up, and where it dies."""
    process = await asyncio.create_subprocess_exec(
        # -P: the folder that this process runs in must not decide what `mserve` or `msgspec` is.
        *(sys.executable, "-P", "-m", __name__, str(seconds)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(seconds):
            out, _ = await process.communicate(msgspec.json.encode(question))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise TimeoutError
    return msgspec.json.decode(out, type=Verdict)


def main() -> None:
    """Answer the question on stdin."""
    # Should the server die first, nobody else would end it; and no code of ours runs while the validator works.
    faulthandler.dump_traceback_later(float(sys.argv[1]), exit=True)
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
    sys.stdout.buffer.write(msgspec.json.encode(judge(question)))


if __name__ == "__main__":
    main()
