"""Runs every code block of the guides, beside those of the other pages; recipes are run by their clients' tests."""

from pathlib import Path

import pytest

from docs.reader import DOCS, Reader, blocks


@pytest.mark.timeout(120)
@pytest.mark.parametrize("guide", sorted(DOCS.glob("guides/*.md")), ids=lambda path: path.stem)
def test_every_block_of_a_guide_runs(guide: Path, reader: Reader) -> None:
    for kind, title, text in blocks(guide):
        reader.follow(kind, title, text)
