import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cyclopts import CycloptsError
from hypothesis import given
from hypothesis import settings as settings_of
from hypothesis import strategies as st

from mserve.cli.app import app
from mserve.server.config import Settings

PORTS = st.none() | st.integers(0, 65535)


def mserve(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mserve", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=os.environ | {"COLUMNS": "80"} | environment,
    )


def parsed(*arguments: str, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What a command is called with; `CycloptsError` where it is not called."""
    with pytest.MonkeyPatch.context() as here:
        for name, value in (environment or {}).items():
            here.setenv(name, value)
        _, bound, _ = app.parse_args(list(arguments), print_error=False, exit_on_error=False)
    return bound.arguments


def settings(*arguments: str, environment: Mapping[str, str] | None = None) -> Settings:
    given = parsed("run", "program.py", *arguments, environment=environment).get("settings", Settings())
    assert isinstance(given, Settings)
    return given


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The pyproject.toml that is the nearest one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "pyproject.toml"


@pytest.fixture(scope="module")
def shared_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("project") / "pyproject.toml"


@settings_of(max_examples=40)
@given(flag=PORTS, variable=PORTS, key=PORTS)
def test_flags_beat_the_environment_which_beats_the_file(
    shared_project: Path, flag: int | None, variable: int | None, key: int | None
) -> None:
    shared_project.write_text("" if key is None else f"[tool.mserve]\nport = {key}\n")
    flags = [] if flag is None else ["--port", str(flag)]
    environment = {} if variable is None else {"MSERVE_PORT": str(variable)}
    with pytest.MonkeyPatch.context() as here:
        here.chdir(shared_project.parent)
        port = settings(*flags, environment=environment).port
    assert port == next(value for value in (flag, variable, key, Settings().port) if value is not None)


def test_without_any_project_file_the_defaults_stand(project: Path) -> None:
    assert not project.exists()
    assert settings() == Settings()


def test_every_option_can_come_from_the_file(project: Path) -> None:
    wanted = Settings(
        host="::1", port=1, uds="s", log_level="debug", access_log=False, root_path="/r", proxy_headers=False,
        forwarded_allow_ips="*", max_body=2, grace_period=3.5, ping_interval=4.5, shutdown_timeout=6,
    )  # fmt: skip
    values = {name: getattr(wanted, name) for name in Settings.__dataclass_fields__}
    lines = [f"{name} = {str(v).lower() if isinstance(v, bool) else repr(v)}" for name, v in values.items()]
    project.write_text("\n".join(["[tool.mserve]", *lines]))
    assert settings() == wanted


def test_the_nearest_project_file_counts(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write_text("[tool.mserve]\nport = 1\n")
    below = project.parent / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    assert settings().port == 1
    (below / "pyproject.toml").write_text("[tool.mserve]\nport = 2\n")
    assert settings().port == 2


@pytest.mark.parametrize("table", ["[tool.mserve]\nprot = 1", "[tool.mserve.run]\nport = 1", "tool.mserve = 1"])
def test_what_is_no_option_is_refused_with_the_files_name(project: Path, table: str) -> None:
    project.write_text(table)
    with pytest.raises(CycloptsError, match=str(project)):
        settings()


def test_a_file_that_is_no_toml_is_refused_with_its_name_and_line(project: Path) -> None:
    project.write_text("[tool.mserve]\nport = \n")
    with pytest.raises(CycloptsError) as told:
        settings()
    assert str(told.value).startswith(f"{project} cannot be read: ")
    assert "line 2" in str(told.value)


@pytest.mark.parametrize("command", ["pull", "demo"])
def test_what_is_meant_for_run_breaks_no_other_command(project: Path, command: str) -> None:
    project.write_text("[tool.mserve]\nport = 1\nprot = 1\n")
    assert parsed(command, environment={"MSERVE_PORT": "2", "MSERVE_MAX_BODY": "x"}) == {}


def test_the_help_names_the_commands_and_what_they_are_for() -> None:
    done = mserve("--help")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    commands = [line.strip("│ ") for line in lines if line.startswith("│ ")]
    assert [command.split()[0] for command in commands] == ["run", "demo", "pull", "--help", "--version"]
    assert all(command.endswith(".") for command in commands)
    assert max(map(len, lines)) <= 80


def test_the_version_is_shown() -> None:
    assert mserve("--version").stdout == "0.1.0\n"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["run", "program.py", "--prot", "1"], "Unknown option: --prot. Did you mean --port?"),
        (["run", "--log-level", "loud"], 'Invalid value "loud" for --log-level. Choose from: "critical", "error"'),
        (["serve"], 'Unknown command "serve". Available commands: run, demo, pull.'),
    ],
)
def test_a_wrong_use_is_told_on_one_line(arguments: list[str], reason: str) -> None:
    done = mserve(*arguments)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"mserve: {reason}")
