"""Makes a plan of what `mserve deploy` is told; refuses what Ray decides itself, and ignores nothing. Knows no Ray."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from glob import escape
from pathlib import Path

from msgspec import Struct, structs

from mserve.errors import StartupError
from mserve.options import Options
from mserve.programs.load import folder_of
from mserve.programs.user import UserProgram, load
from mserve.server.config import Settings
from mserve.server.ranges import flag_of
from mserve.web.kept.keeper import check_store
from mserve.web.keys import lines_in

from .plan import Logs, Part, Plan
from .wanted import Wanted

_RAYS_OWN = {
    "uds": "Ray's proxy listens on an address",
    "workers": "say --replicas",
    "worker_timeout": "Ray asks after the health of replicas itself",
    "block_warning": "a replica's event loop is Ray's",
    "proxy_headers": "Ray's proxy decides whom it believes",
    "forwarded_allow_ips": "Ray's proxy decides whom it believes",
    "close_timeout": "Ray ends what does not end by --shutdown-timeout",
    "drain_delay": "Ray sends nothing more to a replica that is to go",
    "max_header_size": "Ray's proxy reads the heads of requests",
    "header_timeout": "Ray's proxy reads the heads of requests",
    "body_timeout": "Ray's proxy reads the bodies of requests",
}
"""Why an option of `mserve run` says nothing here."""


@dataclass(frozen=True, kw_only=True)
class RaySettings(Settings):
    """How to serve on Ray: the options of `mserve run`. What replicas get to end is long enough for streams."""

    shutdown_timeout: int = 600


class Planned(Struct, frozen=True, kw_only=True):
    """What is to be deployed, with what only this process has of it."""

    plan: Plan
    programs: tuple[UserProgram, ...]
    folder: Path
    """Where the programs are named from; it travels to the cluster."""
    excludes: tuple[str, ...] = ()
    """What of it stays here, as `.gitignore` would say it."""


def planned(sources: Sequence[str], names: Sequence[str], settings: Settings, wanted: Wanted) -> Planned:
    """Load programs and plan their application; `StartupError` for what cannot be said to Ray."""
    for field in fields(settings):
        if field.name in _RAYS_OWN and getattr(settings, field.name) != field.default:
            raise StartupError(f"{flag_of(field.name)} is nothing to mserve deploy: {_RAYS_OWN[field.name]}")
    if settings.port == 0:
        raise StartupError(
            "--port 0 is nothing to mserve deploy: each node's proxy has the same port, which has to be known"
        )
    wanted.check()
    options = _options(settings)
    folder = _folder(sources)
    programs = load(*sources, names=tuple(names))
    check_store(programs, options)
    plan = Plan(
        programs=tuple(
            Part(source=_inside(source, folder), name=one.name) for source, one in zip(sources, programs, strict=True)
        ),
        options=options,
        scale=wanted.scale(),
        ingress=wanted.ingress(),
        logs=Logs(level=settings.log_level, format=settings.log_format, access=settings.access_log),
        connections=settings.limit_connections,
        patience=float(settings.shutdown_timeout),
    )
    return Planned(plan=plan, programs=programs, folder=folder, excludes=_secrets(settings, folder))


def _folder(sources: Sequence[str]) -> Path:
    """Give the folder that holds all programs; `StartupError` where nobody has named it, since all of it travels."""
    folders = [folder for source in sources if (folder := folder_of(source)) is not None] or [Path.cwd()]
    folder = Path(os.path.commonpath(folders))
    if folder not in (*folders, Path.cwd()):
        raise StartupError(
            f"the programs lie in several folders, and all of {folder} would travel to the cluster: "
            "move them into one, or say the same in there if that is meant"
        )
    return folder


def _secrets(settings: Settings, folder: Path) -> tuple[str, ...]:
    """Give the files of keys that lie in a folder, as patterns."""
    said = (settings.api_key_file, settings.ssl_keyfile)
    files = [Path(file).resolve() for file in said if file is not None]
    return tuple(f"/{escape(str(file.relative_to(folder)))}" for file in files if file.is_relative_to(folder))


def _options(settings: Settings) -> Options:
    """Give what the ingress is told: keys as hashes, since the file that has them stays where it is."""
    options = settings.options()
    if settings.store is None:
        options = structs.replace(options, store=None)
    elif settings.store.startswith("sqlite:"):
        raise StartupError("replicas share no file: --store takes postgresql://user@host/database here, or none")
    if settings.api_key_file is not None:
        keys = lines_in(settings.api_key_file)
        options = structs.replace(options, api_keys=(*options.api_keys, *keys), api_key_file=None)
    return options


def _inside(source: str, folder: Path) -> str:
    """Name a file from a folder; a module has its name everywhere."""
    path, ending, attribute = source.rpartition(".py")
    file = Path(path + ending)
    return f"{file.resolve().relative_to(folder)}{attribute}" if file.is_file() else source
