"""What surrounds a request on its way to a program."""

from mserve.program import NO_LINE


def test_no_line_takes_no_text() -> None:
    assert NO_LINE.lend() == ([], 0)
    assert not NO_LINE.tell()
    assert not NO_LINE.flows
