"""Finds the store that an address names. Loads a database's library for who opens one, and for nobody else."""

from pathlib import Path

from .base import Store, StoreError


def default_url() -> str:
    """Say where runs are kept that nobody has named a place for: a file among the user's data."""
    from platformdirs import user_data_dir  # noqa: PLC0415  # as below

    return f"sqlite:///{user_data_dir('mserve')}/runs.db"


def may_hold_runs(url: str) -> bool:
    """Tell whether there may be something in a store; nothing is in a file that does not exist."""
    scheme, _, path = url.partition(":///")
    return scheme != "sqlite" or Path(path).exists()


def check_url(url: str) -> str:
    """Give the kind of database that an address names; `StoreError` where it names none, whatever time may bring.

    What is no address is not repeated: it may hold a password.
    """
    scheme, mark, rest = url.partition("://")
    if not mark:
        raise StoreError(
            "a store is at sqlite:///path or at postgresql://user@host/database; for a file at /srv/runs.db write "
            "sqlite:////srv/runs.db, with four of them"
        )
    if scheme not in ("sqlite", "postgresql"):
        raise StoreError(f"a store is at sqlite:///path or at postgresql://user@host/database, not at {scheme!r}")
    if scheme == "sqlite" and rest in ("", "/"):
        raise StoreError("a store in SQLite is a file: sqlite:///path, with a fourth / where the path begins with one")
    return scheme


def open_store(url: str) -> Store:
    """Give the store at `sqlite:///path` or `postgresql://…`, still to be opened; `StoreError` for other addresses."""
    scheme = check_url(url)
    from sqlalchemy import make_url  # noqa: PLC0415  # slow, and only for who keeps runs
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    from .sql import SqlStore  # noqa: PLC0415

    try:
        address = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise StoreError(f"the store's {scheme} address cannot be read") from error
    if scheme == "sqlite" and (address.host or address.database in (None, "", ":memory:")):
        raise StoreError("a store in SQLite is a file: sqlite:///path, with a fourth / where the path begins with one")
    return SqlStore(address)
