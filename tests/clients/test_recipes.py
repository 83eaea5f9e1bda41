"""The recipes, each followed to the letter with the client that it is for: their own code blocks are what runs here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clients.node_scripts import FOLDER
from clients.python_scripts import ENVIRONMENTS
from docs.reader import DOCS, Reader, blocks

CLIENTS = ENVIRONMENTS / "openai-3" / "bin" / "python"
# Whatever a client would tell or fetch elsewhere finds nobody there.
ALONE = {
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "127.0.0.1",
    "LANGSMITH_TRACING": "false",
}
BY_HAND = {"nginx", "open-webui"}
"""The first is run by tests/deploy, the second by nobody: it says so, and when it was tried."""
RECIPES = [recipe for recipe in sorted(DOCS.glob("recipes/*.md")) if recipe.stem not in BY_HAND]


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """Somebody who has installed all clients, and has a home of their own."""
    if not (FOLDER / "node_modules").is_dir() or not CLIENTS.exists():
        pytest.fail("The clients are not installed: run `make clients`.", pytrace=False)
    (tmp_path / "node_modules").symlink_to(FOLDER / "node_modules")
    (tmp_path / "home").mkdir()
    reader = Reader(tmp_path, python=CLIENTS, env={"HOME": str(tmp_path / "home"), **ALONE})
    yield reader
    reader.stop()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_every_block_of_a_recipe_runs(recipe: Path, reader: Reader) -> None:
    kinds = [kind for kind, _, _ in blocks(recipe)]
    assert kinds.count("text") > 0  # something is compared with what came
    for kind, title, text in blocks(recipe):
        reader.follow(kind, title, text)


@pytest.mark.parametrize("name", sorted(BY_HAND))
def test_a_recipe_that_is_tried_elsewhere_shows_commands_and_programs_alone(name: str) -> None:
    kinds = {kind for kind, _, _ in blocks(DOCS / "recipes" / f"{name}.md")}
    assert kinds <= {"console", "python"}
