"""The page of `/docs` in a real browser, under its own policy: it shows every endpoint and its types."""

import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import httpx
import pytest

from processes import Serve

LIMIT = 40
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # which root cannot have
    "--disable-gpu",
    "--disable-dev-shm-usage",  # containers have little of it
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # nobody out there is asked for anything
    "--enable-logging=stderr",
    "--virtual-time-budget=5000",  # milliseconds, which pass at once where nothing happens
    "--dump-dom",
)


def shown(url: str, profile: Path) -> tuple[str, str]:
    """What a browser makes of a page, and what it complains of."""
    command = next(filter(None, map(shutil.which, BROWSERS)), None)
    if command is None:
        pytest.fail(
            f"No browser on the path ({', '.join(BROWSERS)}): on Debian, apt-get install chromium.", pytrace=False
        )
    done = subprocess.run(
        [command, *FLAGS, f"--user-data-dir={profile}", url], capture_output=True, text=True, timeout=LIMIT, check=True
    )
    return done.stdout, "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


def test_the_page_shows_every_endpoint_and_its_types(serve: Serve, tmp_path: Path) -> None:
    server = serve("def serve(prompt):\n    return prompt\n")
    address = server.base_url.removesuffix("/v1")
    page, complaints = shown(f"{address}/docs", tmp_path / "profile")
    assert complaints == ""  # its policy refused it nothing
    document = httpx.get(f"{address}/openapi.json").json()
    wanted = [f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods]
    assert [unescape(title) for title in re.findall(r"<h2>(.*?)</h2>", page)] == wanted
    types = set(re.findall(r"<summary>(.*?)</summary>", page))
    assert types == set(document["components"]["schemas"])
    for field in ("messages", "response_format", "n"):
        assert f"<code>{field}</code>" in page
    assert "[object Object]" not in page
    assert "undefined" not in page
    assert len(re.findall("GET /openapi.json", server.output)) >= 1
