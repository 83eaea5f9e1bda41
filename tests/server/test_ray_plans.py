"""What `mserve deploy` makes of its options, without any Ray."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mserve.errors import StartupError
from mserve.events import Failure, TextDelta, Usage
from mserve.request import Request
from mserve.server.config import Settings
from mserve.server.ray.plan import Logs, Part, Plan
from mserve.server.ray.planning import Planned, RaySettings, planned
from mserve.server.ray.wanted import Wanted
from mserve.server.ray.wire import read_call, read_events, write_call, write_events, write_failure
from mserve.web.keys import line_of

SERVE = "def serve(prompt):\n    return prompt\n"
ASKED = st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text(), max_size=3)


@pytest.fixture
def program(tmp_path: Path) -> str:
    file = tmp_path / "echo.py"
    file.write_text(SERVE)
    return str(file)


def plan(program: str, *others: str, wanted: Wanted = Wanted(), names: tuple[str, ...] = (), **said: Any) -> Planned:  # noqa: B008  # frozen
    return planned([program, *others], names, RaySettings(**said), wanted)


def test_programs_are_named_from_the_folder_that_holds_them_all(tmp_path: Path, program: str) -> None:
    inner = tmp_path / "in.pyc"
    inner.mkdir()
    (inner / "other.py").write_text(SERVE + "again = serve\n")
    made = plan(program, f"{inner / 'other.py'}:again", names=("first",))
    assert made.folder == tmp_path
    assert made.plan.programs == (
        Part(source="echo.py", name="first"),
        Part(source="in.pyc/other.py:again", name="again"),
    )
    assert [one.name for one in made.programs] == ["first", "again"]


def test_a_module_keeps_its_name(tmp_path: Path, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert program
    monkeypatch.chdir(tmp_path)
    made = plan("echo:serve")
    assert made.folder == tmp_path
    assert made.plan.programs == (Part(source="echo:serve", name="echo"),)


def test_a_folder_travels_that_was_named_or_is_the_current_one_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / "one" / "one.py", tmp_path / "two" / "two.py"]
    for file in files:
        file.parent.mkdir()
        file.write_text(SERVE)
    monkeypatch.chdir(tmp_path / "one")
    with pytest.raises(StartupError, match=f"all of {tmp_path} would travel"):
        plan(*map(str, files))
    monkeypatch.chdir(tmp_path)
    assert plan(*map(str, files)).folder == tmp_path


def test_files_of_secrets_do_not_travel_with_their_folder(
    tmp_path: Path, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").mkdir()
    for name in ("secret/[1]", "tls.pem"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    inside = plan(program, api_key_file="secret/[1]", ssl_keyfile=str(tmp_path / "tls.pem"))
    assert inside.excludes == ("/secret/[[]1]", "/tls.pem")
    assert plan(program, ssl_keyfile=str(tmp_path.parent / "tls.pem")).excludes == ()
    assert plan(program).excludes == ()


def test_options_mean_what_they_mean_to_mserve_run(program: str) -> None:
    made = plan(program, max_runs=7, limit_connections=9, log_format="json", access_log=False).plan
    assert made.options == msgspec.structs.replace(Settings(max_runs=7, shutdown_timeout=600).options(), store=None)
    assert made.connections == 9
    assert made.patience == 600
    assert made.logs == Logs(format="json", access=False)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"workers": 2}, "--workers is nothing to mserve deploy: say --replicas"),
        ({"uds": "/tmp/socket"}, "Ray's proxy listens on an address"),
        ({"header_timeout": 3.0}, "Ray's proxy reads the heads of requests"),
        ({"store": "sqlite:////tmp/runs.db"}, "replicas share no file"),
        ({"host": "0.0.0.0"}, "everybody who can reach"),
        ({"port": 0}, "--port 0 is nothing to mserve deploy"),
        ({"on_disconnect": "detach", "store": "none"}, "there is no store to find them in"),
    ],
)
def test_what_cannot_be_said_to_ray_is_refused(program: str, said: dict[str, Any], reason: str) -> None:
    with pytest.raises(StartupError, match=reason):
        plan(program, **said)


def test_a_shared_store_is_one(program: str) -> None:
    assert plan(program, store="postgresql://me@host/runs").plan.options.store == "postgresql://me@host/runs"
    assert plan(program, store="none").plan.options.store is None


def test_keys_travel_as_hashes_and_no_file_does(tmp_path: Path, program: str) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# whose\n\n{line_of('her', 'her-key')}\n")
    made = plan(program, api_key=("him:his-key",), api_key_file=str(file)).plan
    assert made.options.api_keys == (line_of("him", "his-key"), line_of("her", "her-key"))
    assert made.options.api_key_file is None
    assert b"his-key" not in msgspec.json.encode(made)


def test_a_plan_is_the_same_behind_a_file(program: str) -> None:
    made = plan(program, alias=("gpt=echo",), wanted=Wanted(autoscale="0:3", gpus=0.5)).plan
    assert msgspec.convert(msgspec.to_builtins(made), Plan) == made


def test_replicas_are_a_number_or_a_range() -> None:
    fixed, ranging = Wanted(replicas=3, ingress_replicas=2).scale(), Wanted(autoscale="2:5", target_runs=8.0).scale()
    assert (fixed.replicas, fixed.most) == (3, None)
    assert (ranging.replicas, ranging.most, ranging.target) == (2, 5, 8.0)
    assert (Wanted().scale().replicas, Wanted(ingress_replicas=2).ingress().replicas) == (1, 2)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (Wanted(autoscale="4:1"), "--autoscale takes MIN:MAX, as in 1:4, MIN the smaller one, not '4:1'"),
        (Wanted(autoscale="4"), "--autoscale takes MIN:MAX"),
        (Wanted(autoscale="a:b"), "--autoscale takes MIN:MAX"),
        (Wanted(autoscale="0:0"), "--autoscale takes MIN:MAX"),
        (Wanted(autoscale="1:2", replicas=1), "say one of them"),
        (Wanted(replicas=0), "--replicas is a number from 1 to 100000, not 0"),
        (Wanted(cpus=-1), "--cpus is a number from 0 to 10000, not -1"),
        (Wanted(ingress_replicas=0), "--ingress-replicas is a number from 1"),
        (Wanted(autoscale="1:2", downscale_delay=-1), "--downscale-delay is a number from 0"),
        (Wanted(target_runs=5), "--target-runs says something with --autoscale MIN:MAX alone"),
        (Wanted(app=""), "--app takes a name"),
        (Wanted(route_prefix="llm"), "--route-prefix begins with /"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(program: str, wanted: Wanted, reason: str) -> None:
    with pytest.raises(StartupError, match=reason):
        plan(program, wanted=wanted)


def test_what_all_of_it_takes_is_counted_at_its_most(program: str) -> None:
    assert plan(program).plan.processors() == 2
    assert plan(program, wanted=Wanted(replicas=3, cpus=0.5, ingress_replicas=2)).plan.processors() == 3.5
    assert plan(program, wanted=Wanted(autoscale="0:4", ingress_cpus=0)).plan.processors() == 4


def test_logs_are_set_up_as_they_are_planned(capfd: pytest.CaptureFixture[str]) -> None:
    import logging  # noqa: PLC0415

    Logs(level="warning", format="json").set_up()
    logging.getLogger("mserve").warning("said")
    assert '"message": "said"' in capfd.readouterr().err


@given(extra=ASKED)
def test_a_call_arrives_as_it_was_sent(extra: dict[str, Any]) -> None:
    request = Request(messages=[{"role": "user", "content": "hi"}], temperature=0.5, extra=extra)
    asked = read_call(write_call(request, {"x-a": "b"}, "her"))
    assert (asked.request, asked.headers, asked.caller) == (request, {"x-a": "b"}, "her")


def test_events_arrive_as_they_were_said() -> None:
    failure = Failure(500, "no", "code")
    assert read_events(write_events([(0, ["a", Usage(1, 2)]), (0, [failure])])) == ["a", Usage(1, 2), failure]
    assert read_events(write_events([(0, [TextDelta("a", ())])])) == [TextDelta("a")]
    assert read_events(write_failure(failure)) == [failure]


@pytest.fixture
def without_ray(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "ray.py").write_text("raise ImportError('as where it is not installed')")
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}


def deployed(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mserve", "deploy", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=30, check=False)


def test_without_ray_the_command_says_what_to_install(without_ray: dict[str, str], program: str) -> None:
    done = deployed(without_ray, program)
    assert (done.returncode, done.stdout) == (3, "")
    assert "pip install 'mserve[ray]'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--delete",), "--delete takes an application down"),
        (("--delete", "--build", "serve.yaml"), "--delete takes an application down"),
        (("--image", "registry.example/mserve:1"), "--image says something with --build alone"),
        (("--working-dir", "https://a.b/c.zip"), "--working-dir says something with --build alone"),
    ],
)
def test_words_that_contradict_each_other_are_refused_before_anything_is_done(
    without_ray: dict[str, str], program: str, arguments: tuple[str, ...], reason: str
) -> None:
    done = deployed(without_ray, program, *arguments)
    assert (done.returncode, done.stdout) == (3, "")
    assert reason in done.stderr
