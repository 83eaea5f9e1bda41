"""The environments of the Python clients: what keeps them on this machine, and what is said where one is missing."""

import re
from pathlib import Path

import pytest

from clients import python_scripts
from clients.python_scripts import FOLDER, Environment, Told

LOCKS = sorted(FOLDER.glob("*.lock"))


@pytest.mark.parametrize(("way", "host"), [("name", "example.com"), ("address", "192.0.2.1")])
def test_a_client_that_wants_to_leave_the_machine_is_ended(tmp_path: Path, way: str, host: str) -> None:
    done = Environment("openai-3", tmp_path).run("leaves.py", way)
    assert (done.returncode, done.stderr) == (97, f"This client wants to reach {host}.\n")


def test_a_missing_environment_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python_scripts, "ENVIRONMENTS", tmp_path)
    with pytest.raises(pytest.fail.Exception, match=r"openai-3\.lock are not installed: run `make clients`"):
        Environment("openai-3", tmp_path)


def test_a_case_that_throws_by_surprise_is_a_failed_test(tmp_path: Path) -> None:
    told = Told(Environment("openai-3", tmp_path), "langchain_asks", "http://127.0.0.1:9/v1")
    with pytest.raises(pytest.fail.Exception, match="Connection"):
        told("invoke")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_pins_each_package_and_nothing_but_packages(lock: Path) -> None:
    lines = lock.read_text().splitlines()
    assert lines
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.+]*", line)] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_what_is_installed_is_what_the_lock_says(tmp_path: Path, lock: Path) -> None:
    listing = "import importlib.metadata as m; print(*(f'{d.name}=={d.version}' for d in m.distributions()), sep='\\n')"
    installed = Environment(lock.stem, tmp_path).run("-c", listing).stdout
    assert pins(lock.read_text()) - pins(installed) == set()


def pins(text: str) -> set[str]:
    return {re.sub(r"[-_.]+", "-", name).lower() + version for name, version in re.findall(r"(?m)^(.+)(==.+)$", text)}
