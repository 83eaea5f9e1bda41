"""The systemd unit: systemd's own tool reads it, and its command line runs here."""

import shlex
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from deploy.proxies import tool, with_changes
from deploy.shipped import DEPLOY, LONGEST_END, MOST_FILES, assert_options_exist, ended, running, said, write_keys
from server.ending import free_port

TEXT = (DEPLOY / "mserve.service").read_text()


def service() -> dict[str, str]:
    unit = ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]  # systemd tells cases apart
    unit.read_string(TEXT)
    return dict(unit["Service"])


def analyzed(tmp_path: Path, text: str, *command: str) -> tuple[int, str]:
    """Let systemd's tool read a unit, whose program is one that this machine has."""
    (file := tmp_path / "mserve.service").write_text(with_changes(text, {"/opt/mserve/bin/mserve": "/bin/true"}))
    done = subprocess.run([tool("systemd-analyze"), *command, file], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    assert analyzed(tmp_path, TEXT, "verify") == (0, "")
    assert "Unknown key 'LimitNoFile'" in analyzed(tmp_path, TEXT.replace("LimitNOFILE", "LimitNoFile"), "verify")[1]


def test_the_unit_is_hardened(tmp_path: Path) -> None:
    strict = ("security", "--offline=true", "--threshold=20", "--no-pager")  # tenths of a point, of ten
    assert analyzed(tmp_path, TEXT, *strict)[0] == 0
    assert analyzed(tmp_path, TEXT.replace("DynamicUser=yes", "User=root"), *strict)[0] != 0


def test_the_units_numbers_fit_the_servers() -> None:
    assert int(service()["TimeoutStopSec"]) > LONGEST_END
    assert int(service()["LimitNOFILE"]) >= MOST_FILES


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """The unit's environment, with the places that systemd would make."""
    write_keys(tmp_path / "keys")
    text = service()["Environment"]
    for specifier in ("%d", "%C", "%S"):
        assert specifier in text
        text = text.replace(specifier, str(tmp_path))
    return dict(pair.split("=", 1) for pair in shlex.split(text))


def test_the_units_command_serves_and_ends(tmp_path: Path, variables: dict[str, str]) -> None:
    arguments = shlex.split(service()["ExecStart"])
    assert_options_exist(arguments, variables)
    (program := tmp_path / "program.py").write_text("def serve(prompt):\n    return prompt\n")
    port = free_port()
    ours = [{"/etc/mserve/program.py": str(program), "8000": str(port)}.get(word, word) for word in arguments]
    assert len([*filter(None, map(str.__ne__, ours, arguments))]) == 2
    with running(ours, variables, tmp_path, port) as process:
        assert said(port).json()["choices"][0]["message"]["content"] == "hi"
        assert said(port, "another").status_code == 401
        process.terminate()
        assert process.wait(LONGEST_END) == 0


def test_only_an_option_that_there_is_not_ends_without_another_try(tmp_path: Path, variables: dict[str, str]) -> None:
    arguments = shlex.split(service()["ExecStart"])
    assert ended([*arguments, "--no-such-option"], variables, tmp_path)[0] == int(service()["RestartPreventExitStatus"])
    assert ended(arguments, variables, tmp_path)[0] == 3  # there is no such program here, yet
