"""What is loaded before anything is said: counted, since a count is steadier than a time, and timed once."""

import json
import os
import resource
import statistics
import subprocess
import sys
from typing import Any

import httpx
import pytest

from processes import Serve, ServerProcess

ECOSYSTEMS = {"langchain_core", "llama_index", "mellea", "openai", "pydantic", "pydantic_ai"}
EXTRAS = ECOSYSTEMS | {"json_schema_to_pydantic", "opentelemetry", "xllamacpp"}
SERVING = {"jsonschema_rs", "prometheus_client", "starlette", "uvicorn", "uvloop"}
EMPTY = """
from cyclopts import App

app = App(name="empty", help="An empty app.", version="1")

def main():
    app()

if __name__ == "__main__":
    main()
"""
HELP = "sys.argv[1:] = ['--help']\ntry: main()\nexcept SystemExit: pass"
TELLING = """
import contextlib, json, sys

@contextlib.asynccontextmanager
async def lifespan():
    yield set(sys.modules)

async def serve(prompt, state):
    yield json.dumps({"modules": sorted(sys.modules if prompt == "all" else set(sys.modules) - state)})
"""


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of processes that nothing measures but these tests; they can import an empty app."""
    folder = tmp_path_factory.mktemp("empty")
    (folder / "empty.py").write_text(EMPTY)
    rest = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "COV_CORE"))}
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(folder)]))
    return rest | {"PYTHONPATH": path}


def loaded_by(code: str, env: dict[str, str]) -> set[str]:
    """What code loads in a fresh Python."""
    whole = f"import sys; before = set(sys.modules)\n{code}\nprint(*set(sys.modules) - before, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, check=True, env=env)
    return set(done.stderr.split())


def roots(modules: set[str]) -> set[str]:
    """Whose modules these are, Python's own aside."""
    return {module.partition(".")[0] for module in modules} - sys.stdlib_module_names


def ours(modules: set[str]) -> set[str]:
    return {module for module in modules if module.partition(".")[0] == "mserve"}


def test_the_import_of_the_package_loads_nothing_of_anybody_else(env: dict[str, str]) -> None:
    loaded = loaded_by("import mserve, mserve.__main__", env)
    assert roots(loaded) == {"mserve"}
    assert ours(loaded) == {"mserve", "mserve.__main__"}
    assert len(loaded) <= 40, loaded
    assert "asyncio" not in loaded


def test_a_programs_words_load_what_they_are_made_of_alone(env: dict[str, str]) -> None:
    loaded = loaded_by("from mserve import ClientError, Finish, Limits, Request, TextDelta, Usage, served", env)
    assert roots(loaded) <= {"mserve", "msgspec", "typing_extensions"}
    assert len(ours(loaded)) <= 10, ours(loaded)
    assert len(loaded) <= 100, loaded
    assert "asyncio" not in loaded


def test_help_loads_what_an_empty_app_does_and_a_few_files_of_ours(env: dict[str, str]) -> None:
    empty = loaded_by(f"from empty import main\n{HELP}", env)
    loaded = loaded_by(f"from mserve.__main__ import main\n{HELP}", env)
    more = loaded - empty
    assert roots(empty) >= {"cyclopts", "rich"}
    assert roots(more) == {"mserve"}
    assert len(ours(more)) <= 8, ours(more)
    assert len(more) <= 20, more
    assert not more & {"asyncio", "importlib.metadata", "tomllib"}


def test_help_costs_hardly_more_than_that_of_an_empty_app(env: dict[str, str]) -> None:
    costs: dict[str, list[float]] = {"empty": [], "mserve": []}
    for _ in range(7):
        for module, seen in costs.items():
            seen.append(cpu_of("-m", module, "--help", env=env))
    ratio = statistics.median(costs["mserve"]) / statistics.median(costs["empty"])
    assert ratio <= 1.3, costs


def cpu_of(*arguments: str, env: dict[str, str]) -> float:
    """The seconds that a core worked for a command: others, who have the core in between, do not count."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], capture_output=True, check=True, env=env)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_a_server_loads_no_extra_and_nothing_of_several_processes_for_a_plain_request(serve: Serve) -> None:
    server = serve(TELLING)
    loaded = set(told(server, "all"))
    assert roots(loaded) >= SERVING
    assert not roots(loaded) & EXTRAS
    elsewhere = {
        "mserve.cli.chat", "mserve.cli.demo", "mserve.cli.dev", "mserve.local", "mserve.programs.ecosystems.mellea",
        "mserve.server.development", "mserve.server.supervisor", "mserve.server.workers", "mserve.web.telemetry",
    }  # fmt: skip
    assert not loaded & (elsewhere | {"httpx", "markdown_it", "rich.progress", "platformdirs"})
    foreign = {module for module in loaded if module.partition(".")[0] not in sys.stdlib_module_names}
    foreign = {module for module in foreign if not module.startswith(("coverage", "mserve"))}
    assert len(foreign) <= 260, sorted(foreign)
    assert len(ours(loaded)) <= 170, sorted(ours(loaded))


@pytest.mark.parametrize("wanted", [{}, {"stream": True}, {"response_format": {"type": "json_object"}}], ids=repr)
def test_nothing_is_left_to_be_loaded_by_the_first_request(serve: Serve, wanted: dict[str, Any]) -> None:
    server = serve(TELLING)
    ask(server, "anything", **wanted).raise_for_status()
    assert told(server, "what came later") == []


def test_nor_by_who_looks_after_the_server(serve: Serve) -> None:
    server = serve(TELLING)
    for path in ("/health/ready", "/metrics", "/openapi.json", "/v1/models"):
        httpx.get(f"{server.base_url.removesuffix('/v1')}{path}", verify=False).raise_for_status()
    assert told(server, "what came later") == []


def told(server: ServerProcess, what: str) -> list[str]:
    modules: list[str] = json.loads(ask(server, what).json()["choices"][0]["message"]["content"])["modules"]
    return modules


def ask(server: ServerProcess, what: str, **wanted: Any) -> httpx.Response:
    body = {"messages": [{"role": "user", "content": what}]} | wanted
    return httpx.post(f"{server.base_url}/chat/completions", json=body, verify=False)
