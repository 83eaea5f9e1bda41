"""Links between files, as who reads the sources follows them; `make docs` looks at the site's, and at headings."""

import re
from pathlib import Path

import pytest

from docs.reader import DOCS, ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "examples" / "README.md", *sorted(DOCS.rglob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(document: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", document.read_text()):
        assert (document.parent / target).exists(), target
