"""A reader for each test, whose server ends with it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.reader import Reader


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path)
    yield reader
    reader.stop()
