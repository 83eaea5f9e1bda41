"""Makes the reference of the HTTP API from what the server itself says of it."""

import json
from importlib.metadata import version
from typing import Any

from mkdocs.structure.files import File, Files

from mserve.protocols.openapi import encode_document
from mserve.protocols.responses.endpoints import ENDPOINTS
from mserve.web.documents import page_of
from mserve.web.kept.records import WIRES

MARK = "<!-- every endpoint -->"
FOLDER = "reference"


def on_files(files: Files, *, config: Any) -> Files:
    """Add the document, and beside it the page that shows it in every running server."""
    files.append(File.generated(config, f"{FOLDER}/openapi.json", content=_document()))
    files.append(File.generated(config, f"{FOLDER}/api.html", content=page_of(playground=False)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put a row for each endpoint where a page asks for them."""
    if MARK not in markdown:
        return markdown
    rows = [
        f"| `{method.upper()} {path}` | {operation['summary']} |"
        for path, operations in json.loads(_document())["paths"].items()
        for method, operation in operations.items()
    ]
    table = "\n".join(["| request | what |", "| --- | --- |", *rows])
    more = "[All fields, and their types](api.html), as shown from [openapi.json](openapi.json)."
    return markdown.replace(MARK, f"{table}\n\n{more}")


def _document() -> bytes:
    return encode_document(WIRES, version("mserve"), "", ENDPOINTS)
