"""Tables in the docs that list what the code has: complete, and nothing more."""

import re
from dataclasses import fields
from pathlib import Path

from mserve.programs.bind import KNOWN
from mserve.request import Parameters
from mserve.server.config import Settings

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_operations_lists_every_option_of_the_server() -> None:
    listed = set(re.findall(r"`--(?:no-)?([a-z-]+)`", (DOCS / "operations.md").read_text()))
    assert {field.name.replace("_", "-") for field in fields(Settings)} | {"name"} == listed


def test_programs_names_every_parameter_that_is_no_field_of_the_api() -> None:
    text = (DOCS / "programs.md").read_text()
    ours = KNOWN - set(Parameters.__struct_fields__)
    assert [name for name in sorted(ours) if f"`{name}`" not in text] == []
