"""The files that a chat's user names: where they are, and in words why they cannot be had."""

from pathlib import Path


def named(name: str) -> Path:
    """Give the file that is meant; a home that nobody has stays as it is written."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def reason(error: OSError | ValueError, file: Path) -> str:
    """Say why: without the path, which whoever calls this names."""
    if isinstance(error, FileNotFoundError) and not file.parent.is_dir():
        return f"there is no folder {file.parent}"
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    return str(error)
