"""Carries the files of `deploy/` that pages link to, so that a link which works in the sources works in the site."""

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent.parent
FOLDER = "deploy"


def on_files(files: Files, *, config: Any) -> Files:
    """Add each file of the folder, as it is."""
    for file in sorted((ROOT / FOLDER).iterdir()):
        if file.name != "keys":  # those of whoever builds
            files.append(File.generated(config, f"{FOLDER}/{file.name}", abs_src_path=str(file)))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Lead links out of the docs' folder to what was carried."""
    up = "../" * page.file.src_uri.count("/")
    return markdown.replace(f"]({up}../{FOLDER}/", f"]({up}{FOLDER}/")
