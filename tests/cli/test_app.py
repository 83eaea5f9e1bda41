import json
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


OTHERS = Settings(
    host="::1", port=1, uds="s", log_level="debug", access_log=False, root_path="/r", proxy_headers=False,
    forwarded_allow_ips="*", max_body=2, grace_period=3.5, ping_interval=4.5, gather_interval=0.5, shutdown_timeout=6,
    allowed_origins=("https://a.example", "http://b:1"), alias=("x=a", "y=b"), reasoning_format="think", max_n=3,
    strict_model=True, api_key=("a:b", "c"), api_key_file="k", auth=False,
    allowed_hosts=("h",), ssl_certfile="c", ssl_keyfile="k", ssl_keyfile_password="p",
    max_messages=4, max_depth=5, max_values=55, max_answer=56, max_runs=6, max_queue=7, max_threads=8,
    queue_timeout=9.5, first_event_timeout=10.5, event_timeout=11.5, run_timeout=12.5, judge_timeout=13.5,
    on_disconnect="finish", log_format="json", metrics=False, playground=False, show_errors=True,
    block_warning=14.5, drain_delay=15.5, max_header_size=16, header_timeout=17.5, body_timeout=18.5,
    timeout_keep_alive=19, limit_connections=20, close_timeout=21.5, workers=2, worker_timeout=22.5,
    store="sqlite:///k", store_ttl=23.5, store_size=24,
)  # fmt: skip
"""No value of it is the default."""


def test_every_option_can_come_from_the_file(project: Path) -> None:
    wanted = OTHERS
    values = {name: getattr(wanted, name) for name in Settings.__dataclass_fields__}
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]  # such JSON is TOML
    project.write_text("\n".join(["[tool.mserve]", *lines]))
    assert settings() == wanted


def test_every_option_can_come_from_the_environment(project: Path) -> None:
    assert not project.exists()
    wanted = OTHERS
    values = {name: getattr(wanted, name) for name in Settings.__dataclass_fields__}
    assert all(value != getattr(Settings(), name) for name, value in values.items())
    environment = {
        f"MSERVE_{name.upper()}": " ".join(value) if isinstance(value, tuple) else str(value)
        for name, value in values.items()
    }
    assert settings(environment=environment) == wanted


@pytest.mark.parametrize(("said", "auth"), [("true", False), ("1", False), ("false", True), ("0", True)])
def test_a_flag_that_says_no_means_the_same_in_the_environment_and_in_the_file(
    project: Path, said: str, auth: bool
) -> None:
    assert settings(environment={"MSERVE_NO_AUTH": said}).auth is auth
    for name in ("no-auth", "no_auth"):
        project.write_text(f"[tool.mserve]\n{name} = {'true' if said in ('true', '1') else 'false'}\n")
        assert settings().auth is auth
    assert settings("--no-auth").auth is False
    project.write_text("[tool.mserve]\nauth = false\n")
    assert settings().auth is False


def test_whether_errors_are_shown_is_left_open_unless_it_is_said(project: Path) -> None:
    assert not project.exists()
    assert settings().show_errors is None
    assert settings("--show-errors").show_errors is True
    assert settings("--no-show-errors").show_errors is False
    assert settings(environment={"MSERVE_NO_SHOW_ERRORS": "1"}).show_errors is False
    assert settings(environment={"MSERVE_SHOW_ERRORS": "1"}).show_errors is True


def test_a_flag_that_says_no_is_refused_where_it_says_neither(project: Path) -> None:
    assert not project.exists()
    for value in ("", "perhaps"):
        with pytest.raises(CycloptsError) as told:
            settings(environment={"MSERVE_NO_AUTH": value})
        assert str(told.value) == f"MSERVE_NO_AUTH is true or false, not {value!r}"


@pytest.mark.parametrize(
    ("flags", "variable", "aliases"),
    [
        (["--alias", "x=a", "--alias", "y=b"], "z=c", ("x=a", "y=b")),
        ([], "x=a y=b", ("x=a", "y=b")),
        ([], None, ("from=file",)),
    ],
)
def test_aliases_come_from_one_place(
    project: Path, flags: list[str], variable: str | None, aliases: tuple[str, ...]
) -> None:
    project.write_text('[tool.mserve]\nalias = ["from=file"]\n')
    assert settings(*flags, environment={} if variable is None else {"MSERVE_ALIAS": variable}).alias == aliases


@pytest.mark.parametrize("wrong", [["--reasoning-format", "loud"], ["--max-n", "many"], ["--alias"]])
def test_an_option_of_a_wrong_form_is_refused_by_its_name(project: Path, wrong: list[str]) -> None:
    assert not project.exists()
    with pytest.raises(CycloptsError) as told:
        settings(*wrong)
    assert wrong[0] in str(told.value)


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--alias", "gpt-4o"], "--alias takes a name and a program's name, as in --alias gpt-4o=hello, not 'gpt-4o'"),
        (["--alias", "x=other"], "the alias 'x' is for 'other', and there is no such program: one"),
        (["--alias", "one=one"], "the alias 'one' is the name of a program"),
        (["--max-n", "0"], "--max-n is a number from 1 to 128, not 0"),
        (["--max-n", "129"], "--max-n is a number from 1 to 128, not 129"),
    ],
)
def test_an_option_that_makes_no_sense_is_told_on_one_line(project: Path, flags: list[str], reason: str) -> None:
    (project.parent / "one.py").write_text("def serve():\n    return 'a'\n")
    done = mserve("run", "one.py", *flags)
    assert done.returncode == 3
    assert done.stderr.splitlines() == [f"mserve: {reason}"]


@pytest.mark.parametrize(
    ("flags", "variable", "origins"),
    [
        ([], None, ("http://file",)),
        ([], "http://a", ("http://a",)),
        ([], "http://a http://b:1", ("http://a", "http://b:1")),
        (["--allowed-origins", "http://c", "--allowed-origins", "*", "other.py"], "http://a", ("http://c", "*")),
    ],
)
def test_several_values_of_one_option_come_from_one_place(
    project: Path, flags: list[str], variable: str | None, origins: tuple[str, ...]
) -> None:
    project.write_text('[tool.mserve]\nallowed-origins = "http://file"\n')
    environment = {} if variable is None else {"MSERVE_ALLOWED_ORIGINS": variable}
    assert settings(*flags, environment=environment).allowed_origins == origins


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


def test_what_the_file_says_to_dev_alone_is_nothing_to_run(project: Path) -> None:
    for line, opens in (("open = true", True), ("open = false", False), ("no-open = true", False)):
        project.write_text(f"[tool.mserve]\nport = 1\n{line}\n")
        assert settings() == Settings(port=1)
        given = parsed("dev", "program.py")
        assert (given["opens"], given["settings"]) == (opens, Settings(port=1))
    assert parsed("dev", "program.py", "--no-open", environment={"MSERVE_OPEN": "1"})["opens"] is False


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
    assert [command.split()[0] for command in commands] == [
        "run",
        "dev",
        "deploy",
        "chat",
        "demo",
        "pull",
        "key",
        "store",
        "--help",
        "--version",
    ]
    assert all(command.endswith(".") for command in commands)
    assert max(map(len, lines)) <= 80


def test_the_version_is_shown() -> None:
    assert mserve("--version").stdout == "0.1.0\n"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["run", "program.py", "--prot", "1"], "Unknown option: --prot. Did you mean --port?"),
        (["chat", "hello.py", "--once"], 'Command "chat" parameter --once requires an argument.'),
        (["chat", "hello.py", "--temperature", "9"], 'Invalid value "9.0" for --temperature. Must be <= 2.'),
        (["chat", "hello.py", "--temperature", "-1"], 'Invalid value "-1.0" for --temperature. Must be >= 0.'),
        (["run", "--log-level", "loud"], 'Invalid value "loud" for --log-level. Choose from: "critical", "error"'),
        (
            ["serve"],
            'Unknown command "serve". Did you mean "store"? Available commands: run, dev, deploy, chat, demo, p',
        ),
    ],
)
def test_a_wrong_use_is_told_on_one_line(arguments: list[str], reason: str) -> None:
    done = mserve(*arguments)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"mserve: {reason}")


def test_a_chat_with_nobody_is_told_what_to_say() -> None:
    done = mserve("chat", "--once", "hi")
    assert (done.returncode, done.stdout) == (2, "")
    words, usage = done.stderr.splitlines()
    assert words.startswith(
        "mserve: say whom to talk to: a server by its URL, such as http://127.0.0.1:8000, or a program"
    )
    assert usage == "Usage: mserve chat [OPTIONS] TARGET"
