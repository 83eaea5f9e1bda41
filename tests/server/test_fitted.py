"""What is said of libraries that are newer than any that the connection was tried with."""

import logging
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from mserve.server import fitted as module
from mserve.server.config import Settings
from mserve.server.fitted import FITTED
from mserve.server.uvicorn_config import uvicorn_config

PROJECT = Path(__file__).parent.parent.parent / "pyproject.toml"


def test_what_is_installed_here_is_what_was_fitted_and_no_older_one_can_be() -> None:
    assert {library: version(library).rpartition(".")[0] for library in FITTED} == FITTED
    needs = tomllib.loads(PROJECT.read_text())["project"]["dependencies"]
    assert {f"{library}>={fitted}" for library, fitted in FITTED.items()} <= set(needs)


@pytest.mark.parametrize("installed", ["0.55.0", "0.100.0.dev1", "1.0.0", "1.0rc1"])
def test_a_newer_library_is_told_with_both_versions(
    installed: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "version", {"uvicorn": installed, "httptools": "0.9.7"}.__getitem__)
    uvicorn_config(None, Settings())
    told = f"uvicorn {installed} is installed, and mserve was tried with 0.54 at most: "
    (record,) = caplog.records
    assert (record.levelno, record.getMessage().startswith(told)) == (logging.WARNING, True)


def test_what_was_fitted_is_not_spoken_of(caplog: pytest.LogCaptureFixture) -> None:
    uvicorn_config(None, Settings())
    assert caplog.records == []
