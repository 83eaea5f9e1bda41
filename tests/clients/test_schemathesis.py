"""Requests that Schemathesis makes up from the server's own document: right, wrong, and at the limits."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from processes import Serve, ServerProcess

CHECKS = [
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_schema_conformance", "unsupported_method", "allow_header_conformance"),
]


@pytest.fixture(scope="module")
def chatterbox(serve_module: Serve) -> ServerProcess:
    return serve_module(Path(__file__).with_name("chatterbox.py"))


@pytest.mark.timeout(100)
def test_whatever_is_sent_is_answered_as_the_document_says(chatterbox: ServerProcess, tmp_path: Path) -> None:
    """Each event of a stream is checked, too. What takes ten seconds has failed."""
    root = chatterbox.base_url.removesuffix("/v1")
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{root}/openapi.json"]
    command += ["--phases", "coverage,fuzzing", "--max-examples", "20", "--seed", "1"]
    command += ["--checks", ",".join(CHECKS), "--request-timeout", "10"]
    command += ["--report", "json", "--report-json-path", "report.json", "--no-color"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["complete"]
    assert report["operations"]["tested"] == report["operations"]["total"] == 20  # all but the document itself
    assert report["test_cases"]["generated"] >= 2000
    assert httpx.get(f"{root}/health").json() == {"status": "ok"}
    assert "Traceback" not in chatterbox.output
