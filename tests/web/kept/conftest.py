"""Two servers on one store, which the tests of kept runs share."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from web.kept.asking import Notes, Server


@pytest.fixture(scope="package")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of both."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="package")
def notes(shared: Path) -> Notes:
    return Notes(shared)


@pytest.fixture(scope="package")
def here(shared: Path) -> Iterator[httpx.Client]:
    with Server(shared, "--ping-interval", "0.3") as server:
        yield server.client


@pytest.fixture(scope="package")
def there(shared: Path) -> Iterator[httpx.Client]:
    with Server(shared, "--ping-interval", "0.3") as server:
        yield server.client
