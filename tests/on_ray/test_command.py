import asyncio
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml

from on_ray.conftest import PROGRAMS
from raying import cluster

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Ray's own, as it is imported
    from ray.serve.schema import ServeDeploySchema

    from mserve.server.ray.application import build

pytestmark = pytest.mark.timeout(180)

TALKER = str(PROGRAMS / "talker.py")


def built(file: Path, *arguments: str, env: dict[str, str] | None = None) -> Any:
    done = cluster().deploy(TALKER, "--build", str(file), *arguments, env=env)
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(file.read_text())


def test_ray_s_own_config_is_one_that_ray_takes_and_holds_no_key(tmp_path: Path) -> None:
    file = tmp_path / "serve.yaml"
    arguments = (
        "--autoscale",
        "1:4",
        "--max-runs",
        "50",
        "--route-prefix",
        "/llm",
        "--working-dir",
        "https://a.b/c.zip",
    )
    config = built(file, *arguments, env={"MSERVE_API_KEY": "her:a-secret-key"})
    schema = ServeDeploySchema.model_validate(config)
    (application,) = schema.applications
    assert application.import_path == "mserve.server.ray.application:build"
    assert application.route_prefix == "/llm"
    assert application.args["programs"] == [{"source": "talker.py", "name": "talker"}]
    assert application.args["scale"]["most"] == 4
    assert "a-secret-key" not in file.read_text()
    assert "her:" in file.read_text()


def test_a_manifest_for_kuberay_carries_the_same_config(tmp_path: Path) -> None:
    manifest = built(tmp_path / "rayservice.yaml", "--image", "registry.example/mserve:1", "--replicas", "3")
    assert (manifest["apiVersion"], manifest["kind"]) == ("ray.io/v1", "RayService")
    ServeDeploySchema.model_validate(yaml.safe_load(manifest["spec"]["serveConfigV2"]))
    cluster_config = manifest["spec"]["rayClusterConfig"]
    for group in (cluster_config["headGroupSpec"], *cluster_config["workerGroupSpecs"]):
        (container,) = group["template"]["spec"]["containers"]
        assert container["image"] == "registry.example/mserve:1"


@pytest.mark.parametrize("store", ["postgresql://me:secret@host/runs", "postgresql:///runs?password=secret"])
def test_a_password_is_not_written_down(tmp_path: Path, store: str) -> None:
    file = tmp_path / "serve.yaml"
    done = cluster().deploy(TALKER, "--build", str(file), "--store", store)
    assert done.returncode == 3
    assert "PGPASSWORD" in done.stderr
    assert "secret" not in done.stderr
    assert not file.exists()


def test_what_the_args_say_is_what_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = built(tmp_path / "serve.yaml", "--max-runs", "50", "--max-queue", "5")
    monkeypatch.chdir(PROGRAMS)
    ingress = build(config["applications"][0]["args"])
    (program,) = ingress._bound_deployment.init_args[1]
    deployment = program._bound_deployment
    assert (deployment.name, deployment.max_ongoing_requests, deployment.max_queued_requests) == ("talker", 50, 5)


async def test_a_program_that_does_not_open_is_told_with_its_reason(tmp_path: Path) -> None:
    file = tmp_path / "closed.py"
    file.write_text(
        "from contextlib import asynccontextmanager\n\n\n@asynccontextmanager\nasync def lifespan():\n"
        "    raise RuntimeError('no such model file')\n    yield\n\n\ndef serve(prompt):\n    return prompt\n"
    )
    arguments = ("--app", "closed", "--route-prefix", "/closed", "--cpus", "0.5")
    done = await asyncio.to_thread(cluster().deploy, str(file), *arguments)
    cluster().take_down("closed")
    assert done.returncode == 3
    assert "no such model file" in done.stderr


def test_a_cluster_that_is_named_and_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    soon = {"RAY_gcs_rpc_server_connect_timeout_s": "1", "RAY_NUM_REDIS_GET_RETRIES": "1"}
    for name, value in {**soon, "RAY_ADDRESS": "127.0.0.1:1"}.items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-m", "mserve", "deploy", TALKER]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 3
    assert "there is no Ray cluster at 127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr
