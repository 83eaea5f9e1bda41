"""What several faults are tried with: plain connections, and TLS; and kept runs, in each database."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from faults.resuming import Served
from postgres import Postgres
from processes import Serve


@pytest.fixture(params=["plain", "tls"])
def trusted(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ssl.SSLContext | None]:
    """What clients of this test trust, where its server is to speak TLS."""
    if request.param == "plain":
        yield None
        return
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    yield ssl.create_default_context()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/kept.db"
    database: Postgres = request.getfixturevalue("postgresql")
    return database.empty()


@pytest.fixture
def served(serve: Serve, tmp_path: Path, store: str) -> Served:
    """Servers of one program that keep their runs in one store."""
    return Served(serve, tmp_path, store)
