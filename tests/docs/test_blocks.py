"""Runs every code block of the README, of the examples' and of the docs' own folder, as `reader.py` says."""

from pathlib import Path

import pytest

from docs.reader import DOCS, ROOT, Reader, blocks

DOCUMENTS = [ROOT / "README.md", ROOT / "examples" / "README.md", *sorted(DOCS.glob("*.md"))]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_block_of_a_document_runs(document: Path, reader: Reader) -> None:
    for kind, title, text in blocks(document):
        reader.follow(kind, title, text)
