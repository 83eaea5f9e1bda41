"""Tables in the docs that list what the code has: complete, and nothing more."""

import json
import re
from dataclasses import fields
from pathlib import Path

import mserve
from mserve.options import Limits
from mserve.programs.bind import KNOWN
from mserve.protocols.base import _LONGEST_STOPS, _MOST_STOPS
from mserve.request import Parameters
from mserve.server.config import Settings
from mserve.server.http import _PIPELINE
from mserve.server.ranges import RANGES

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"


def rows(section: str) -> list[list[str]]:
    """Give the cells of the first table below a heading of operations."""
    text = (DOCS / "operations.md").read_text().partition(f"\n## {section}\n")[2]
    table = re.search(r"^\| --- .*\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert table is not None
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in table[1].splitlines()]


def options_in(cell: str) -> list[str]:
    return [name.replace("-", "_") for name in re.findall(r"`--(?:no-)?([a-z-]+)`", cell)]


def test_operations_lists_every_option_of_the_server_once_among_the_options_or_the_limits() -> None:
    listed = [
        *(name for flags, *_ in rows("Options") for name in options_in(flags)),
        *(name for _, flag, *_ in rows("Limits") for name in options_in(flag)),
    ]
    assert sorted(listed) == sorted(["name", *(field.name for field in fields(Settings))])


def test_operations_lists_every_limit_with_its_default() -> None:
    table = rows("Limits")
    others = ("port", "block_warning", "workers", "worker_timeout")
    numbers = {name: float(default) for _, flag, default, _ in table for name in options_in(flag)}
    assert numbers == {name: getattr(Settings(), name) for name in RANGES if name not in others}
    assert [default for _, flag, default, _ in table if not flag] == [
        f"{_PIPELINE}",
        f"{_MOST_STOPS}, {_LONGEST_STOPS}",
        f"{Limits().log_events}, {Limits().log_chars}",
    ]


def test_programs_names_every_parameter_that_is_no_field_of_the_api() -> None:
    text = (DOCS / "programs.md").read_text()
    ours = KNOWN - set(Parameters.__struct_fields__)
    assert [name for name in sorted(ours) if f"`{name}`" not in text] == []


def test_the_reference_of_python_has_each_public_name_once() -> None:
    text = (DOCS / "reference" / "python.md").read_text()
    listed = re.findall(r"^::: (mserve\.[\w.]+)$", text, re.MULTILINE)
    names = {name for name in listed if name.count(".") == 1}
    assert sorted(names) == sorted(f"mserve.{name}" for name in mserve.__all__)
    assert len(listed) == len(set(listed))


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
    assert len(rows) == 19
    assert [pair for pair in listed if "==".join(pair) not in locked] == []
