"""Tables in the docs that list what the code has: complete, and nothing more."""

import json
import re
from dataclasses import fields
from pathlib import Path

from mserve.programs.bind import KNOWN
from mserve.request import Parameters
from mserve.server.config import Settings

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"


def test_operations_lists_every_option_of_the_server() -> None:
    listed = set(re.findall(r"`--(?:no-)?([a-z-]+)`", (DOCS / "operations.md").read_text()))
    assert {field.name.replace("_", "-") for field in fields(Settings)} | {"name"} == listed


def test_programs_names_every_parameter_that_is_no_field_of_the_api() -> None:
    text = (DOCS / "programs.md").read_text()
    ours = KNOWN - set(Parameters.__struct_fields__)
    assert [name for name in sorted(ours) if f"`{name}`" not in text] == []


def test_wire_has_each_parameter_of_the_api_in_one_class() -> None:
    text = (DOCS / "wire.md").read_text()
    rows = re.findall(r"^\| (`[^|]+`) \| (honoured|handed|refused) \|", text, re.MULTILINE)
    listed = [name for names, _ in rows for name in re.findall(r"`(\w+)`", names)]
    assert sorted(listed) == sorted(["messages", *Parameters.__struct_fields__])


def test_clients_are_listed_with_the_versions_that_are_locked() -> None:
    pip = [*ROOT.glob("tests/clients/python/*.lock"), ROOT / "requirements.lock"]
    locked = {line for file in pip for line in file.read_text().splitlines()}
    npm = json.loads((ROOT / "tests" / "clients" / "node" / "package-lock.json").read_text())["packages"]
    locked |= {f"{place.removeprefix('node_modules/')}=={package.get('version')}" for place, package in npm.items()}
    rows = re.findall(r"^\| (.*?) \| (\d[\d., ]*) \|", (DOCS / "clients.md").read_text(), re.MULTILINE)
    listed = [
        pair
        for names, versions in rows
        for pair in zip(re.findall(r"\[(.+?)\]", names), versions.split(", "), strict=True)
    ]
    assert len(rows) == 11
    assert [pair for pair in listed if "==".join(pair) not in locked] == []
