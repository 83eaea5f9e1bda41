import asyncio
import json
import logging
import sys
from typing import Any

import pytest

from mserve.server.logs import logging_config
from mserve.server.tracebacks import brief

HERE = f'File "{__file__}", line '


def told(function: Any) -> str:
    try:
        function()
    except BaseException as error:  # noqa: BLE001  # to be looked at
        return brief(error, error.__traceback__)
    raise AssertionError("it raised nothing")


def reads() -> None:
    json.loads("{")


def test_own_lines_are_shown_and_libraries_are_one_line() -> None:
    lines = told(reads).splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert [line for line in lines if "File " in line] == [line for line in lines if HERE in line]
    assert '    json.loads("{")' in lines
    folded = next(line for line in lines if "…" in line)
    assert folded.startswith("  … 3 calls in libraries, the last: raw_decode, ")
    assert json.decoder.__file__ in folded
    assert lines[-1].startswith("json.decoder.JSONDecodeError: Expecting property name")


def test_one_call_is_one_call() -> None:
    assert "  … 1 call in libraries, the last: load, " in told(lambda: json.load(Unreadable()))


class Unreadable:
    def read(self, _size: int = -1) -> str:
        raise ValueError("not a path")


def test_causes_and_groups_are_told_the_same_way() -> None:
    def chained() -> None:
        try:
            reads()
        except ValueError as error:
            raise RuntimeError("no json") from error

    async def grouped() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.to_thread(reads))

    for function in (chained, lambda: asyncio.run(grouped())):
        text = told(function)
        assert ", in reads\n" in text
        assert "raw_decode, " in text
        assert ", in raw_decode" not in text
    assert "direct cause" in told(chained)
    assert "+-+---------------- 1" in told(lambda: asyncio.run(grouped()))


def test_causes_may_be_many() -> None:
    def fails() -> None:
        last = None
        for number in range(tried):
            last, before = ValueError(number), last
            last.__cause__ = before
        assert last is not None
        raise last

    tried = sys.getrecursionlimit() + 1
    assert told(fails).count("ValueError: ") == tried


def test_a_recursion_is_cut_as_ever() -> None:
    def again() -> None:
        again()

    text = told(again)
    assert "Previous line repeated " in text
    assert text.count("\n") < 30


def test_where_no_line_is_the_authors_nothing_is_left_out() -> None:
    with pytest.raises(ValueError, match="property name") as raised:
        reads()
    way = raised.tb.tb_next
    assert way is not None
    text = brief(raised.value, way.tb_next)
    assert text.count("  File ") == 3
    assert "…" not in text


@pytest.mark.parametrize("lines", ["text", "brief", "json"])
def test_the_format_of_a_log_says_how_tracebacks_look(lines: Any, capsys: pytest.CaptureFixture[str]) -> None:
    logging.config.dictConfig(logging_config("info", lines, access=True))
    logging.getLogger("mserve").handlers[0].stream = sys.stderr  # type: ignore[attr-defined]
    log = logging.getLogger("mserve")
    try:
        reads()
    except ValueError:
        log.exception("failed")
    log.error("nothing was raised", exc_info=True)  # noqa: LOG014
    said = capsys.readouterr().err
    assert ("…" in said, "in raw_decode" in said) == (lines == "brief", lines != "brief")
    assert "nothing was raised" in said
