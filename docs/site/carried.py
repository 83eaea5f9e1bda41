"""Carries the files of `deploy/` that pages link to, so that a link which works in the sources works in the site."""

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent.parent
FOLDER = "deploy"
NAMES = ("Caddyfile", "Dockerfile", "compose.yaml", "mserve.service", "nginx.conf")
"""Not whatever lies there: who builds may have keys and an environment among it."""


def on_files(files: Files, *, config: Any) -> Files:
    """Add each of the files, as it is."""
    for name in NAMES:
        files.append(File.generated(config, f"{FOLDER}/{name}", abs_src_path=str(ROOT / FOLDER / name)))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Lead links out of the docs' folder to what was carried."""
    up = "../" * page.file.src_uri.count("/")
    return markdown.replace(f"]({up}../{FOLDER}/", f"]({up}{FOLDER}/")
