"""The blocks of the docs that tests/docs leaves to others: configurations and commands of other programs."""

import re
import subprocess

import httpx
import pytest

from deploy.behind import PROGRAM, Notes, ask, words
from deploy.proxies import caddy, nginx, tool, with_changes
from deploy.shipped import ROOT
from docs.reader import ELSEWHERE, blocks
from docs.test_blocks import DOCUMENTS
from processes import Serve, ServerProcess

BLOCKS = [(kind, text) for document in DOCUMENTS for kind, _, text in blocks(document) if kind in ELSEWHERE]
AROUND = """\
pid /tmp/pid;
events {{}}
http {{
    access_log /dev/stdout;
    client_body_temp_path /tmp/body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;
    {block}
}}
"""
"""What nginx has elsewhere, where it is there already."""
LLM = ("--root-path", "/llm")


def only(kind: str) -> str:
    (text,) = [text for name, text in BLOCKS if name == kind]
    return text


@pytest.fixture
def server(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> ServerProcess:
    return serve(PROGRAM, flags=LLM, env=Notes(tmp_path_factory.mktemp("notes") / "notes").env)


def assert_serves_below_llm(server: ServerProcess, url: str) -> None:
    heard = words(f"{url}/llm", 10)
    assert max(word.delay for word in heard) < 0.5
    assert httpx.get(f"{url}/llm/health/ready").status_code == 200
    assert ask(f"{url}/llm", "who").status_code == 200
    server.wait_for('"POST /llm/v1/chat/completions" 200')


def test_the_block_for_nginx_serves_below_its_path(server: ServerProcess) -> None:
    block = with_changes(only("nginx"), {"server 127.0.0.1:8000;": "server mserve:8000 resolve;"})  # as in the file
    with nginx(server, text=AROUND.format(block=block)) as proxy:
        assert_serves_below_llm(server, proxy.url)


def test_the_block_for_caddy_serves_below_its_path(server: ServerProcess) -> None:
    with caddy(server, text="{\n\tadmin off\n}\n" + only("caddy")) as proxy:
        assert_serves_below_llm(server, proxy.url)


def test_the_block_for_an_image_of_ones_own_pleases_the_linter() -> None:
    done = subprocess.run(
        [tool("hadolint"), "-"], input=only("dockerfile"), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_commands_that_no_test_can_run_name_files_that_there_are() -> None:
    commands = [line for kind, text in BLOCKS if kind == "console" for line in text.splitlines()]
    assert len(commands) > 10
    named = {name for line in commands for name in re.findall(r"\bdeploy/[\w.]+", line)} - {"deploy/keys"}
    assert named == {"deploy/Dockerfile", "deploy/compose.yaml", "deploy/mserve.service"}
    assert all((ROOT / name).is_file() for name in named)
