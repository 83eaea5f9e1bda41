import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from mserve.web.keys import line_of
from processes import Serve

PROGRAM = "def serve(caller):\n    return caller\n"


def mserve(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mserve", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=30, check=False, env=os.environ | environment
    )


def test_what_it_prints_is_what_a_file_needs_and_what_a_client_sends(serve: Serve, tmp_path: Path) -> None:
    made = [mserve("key", name) for name in ("alice", "bob")]
    keys = [done.stderr.splitlines()[-1] for done in made]
    assert [done.stderr.splitlines()[:-1] for done in made] == [
        ["The key of alice, shown this once:"], ["The key of bob, shown this once:"],
    ]  # fmt: skip
    assert [done.stdout for done in made] == [f"{line_of('alice', keys[0])}\n", f"{line_of('bob', keys[1])}\n"]
    assert all(key.startswith("mserve-") and len(key) == 50 for key in keys)
    assert len({*keys, mserve("key", "alice").stderr.splitlines()[-1]}) == 3
    (tmp_path / "keys").write_text("".join(done.stdout for done in made))
    server = serve(PROGRAM, flags=("--api-key-file", str(tmp_path / "keys")))
    body = {"messages": [{"role": "user", "content": "x"}]}
    for key, name in zip(keys, ("alice", "bob"), strict=True):
        headers = {"Authorization": f"Bearer {key}"}
        reply = httpx.post(f"{server.base_url}/chat/completions", json=body, headers=headers).json()
        assert reply["choices"][0]["message"]["content"] == name


def test_a_name_that_could_be_mistaken_is_refused() -> None:
    done = mserve("key", "al ice")
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("mserve: a key's name has letters, digits")


def test_a_variable_without_a_key_is_refused_and_does_not_leave_the_server_open(tmp_path: Path) -> None:
    (program := tmp_path / "program.py").write_text(PROGRAM)
    done = mserve("run", str(program), "--port", "0", MSERVE_API_KEY=" ")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "mserve: MSERVE_API_KEY is set, and empty: put a key into it, or unset it\n"


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--host", "0.0.0.0"], "everybody who can reach 0.0.0.0 could run these programs: set a key"),
        (["--api-key", "my sesame"], "--api-key takes KEY or NAME:KEY, and number 1 is neither: a key has"),
        (["--api-key-file", "missing"], "the file of keys missing cannot be read: No such file or directory"),
    ],
)
def test_a_server_that_would_let_in_strangers_does_not_start(tmp_path: Path, flags: list[str], told: str) -> None:
    (program := tmp_path / "program.py").write_text(PROGRAM)
    done = mserve("run", str(program), "--port", "0", *flags)
    assert (done.returncode, done.stdout) == (3, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"mserve: {told}")
    assert "sesame" not in line


def test_who_says_so_listens_to_everybody(serve: Serve) -> None:
    server = serve(PROGRAM, flags=("--host", "0.0.0.0", "--no-auth"))
    url = server.base_url.replace("0.0.0.0", "127.0.0.1")
    assert httpx.get(f"{url}/models").status_code == 200
    assert httpx.get(f"{url}/models", headers={"Host": "evil.example"}).status_code == 403
