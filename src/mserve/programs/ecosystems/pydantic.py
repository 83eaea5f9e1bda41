"""Pydantic: a model is a whole reply. Imported only when a program says one."""

from pydantic import BaseModel

from . import Reader, Said, WholeJson


def reader() -> Reader:
    """Read Pydantic models; they carry nothing from one to the next."""
    return _read


def _read(value: object) -> Said:
    return (WholeJson(value.model_dump_json(by_alias=True)),) if isinstance(value, BaseModel) else None
