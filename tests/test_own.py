import json
import sysconfig
from pathlib import Path

import pytest

import mserve
from mserve.own import is_own, own_frames


@pytest.mark.parametrize(
    ("file", "own"),
    [
        (__file__, True),
        (mserve.__file__, False),
        (json.__file__, False),
        (pytest.__file__, False),
        (sysconfig.__file__, False),
        (str(Path(__file__).parent), False),
        ("<string>", False),
        (f"{__file__}.gone", False),
    ],
)
def test_the_authors_own_code_is_neither_a_librarys_nor_ours_nor_no_file(file: str, own: bool) -> None:
    assert is_own(file) is own


def test_the_places_of_an_error_are_those_in_the_authors_code_in_order() -> None:
    def inner() -> None:
        json.loads("{")

    with pytest.raises(ValueError, match="property name") as raised:
        inner()
    assert [frame.name for frame in own_frames(raised.value)] == [
        "test_the_places_of_an_error_are_those_in_the_authors_code_in_order",
        "inner",
    ]
