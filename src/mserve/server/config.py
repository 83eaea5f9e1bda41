"""What a server can be told: one value, the same from flags, environment, `pyproject.toml` and Python."""

import logging
import re
import sys
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

from uvicorn.config import LOG_LEVELS, LOGGING_CONFIG, Config

from mserve.errors import StartupError
from mserve.options import MIB, Limits, Options, ReasoningFormat, Times

LogLevel = Literal["critical", "error", "warning", "info", "debug", "trace"]

_DAY = 24 * 60 * 60
_RANGES = {
    "port": (0, 65535),
    "max_n": (1, 128),
    "max_body": (1, sys.maxsize),
    "grace_period": (0, _DAY),
    "ping_interval": (0.1, _DAY),  # a stream whose silence may last no time sends nothing but comments
    "shutdown_timeout": (0, _DAY),
}

_ORIGIN = re.compile(r"\*|(?!http:.*:80$|https:.*:443$)[a-z][a-z0-9+.-]*://[a-z0-9._:\[\]-]+")
"""What a browser can say of a page: any other spelling would match none, and nobody would be told."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to serve.

    Attributes
    ----------
    host
        The address to listen on; 127.0.0.1 is this machine alone.
    port
        The port to listen on; 0 takes a free one.
    uds
        A UNIX socket to listen on, instead of host and port.
    log_level
        How much is logged.
    access_log
        Log each request.
    root_path
        The path that a proxy strips before it hands requests on.
    proxy_headers
        Believe the X-Forwarded headers of trusted proxies.
    forwarded_allow_ips
        The trusted proxies, by address, separated by commas; * for all.
    allowed_origins
        The origins whose web pages may call, such as https://chat.example; * for all.
    alias
        A further name of a program, as NAME=PROGRAM: clients may write either.
    strict_model
        Refuse every model's name but the programs' own, with one program, too.
    reasoning_format
        Where clients find reasoning: in fields of its own, or in the text, between tags called think.
    max_n
        How many answers one request may ask for, by n or by several prompts.
    max_body
        The largest request body, in bytes.
    grace_period
        Seconds in which a failure before the first token still gets a true HTTP status.
    ping_interval
        Seconds of silence after which a stream gets a comment.
    shutdown_timeout
        Seconds that open requests get to end, once the server stops.

    """

    host: str = "127.0.0.1"
    port: int = 8000
    uds: str | None = None
    log_level: LogLevel = "info"
    access_log: bool = True
    root_path: str = ""
    proxy_headers: bool = True
    forwarded_allow_ips: str = "127.0.0.1"
    allowed_origins: tuple[str, ...] = ()
    alias: tuple[str, ...] = ()
    strict_model: bool = False
    reasoning_format: ReasoningFormat = "fields"
    max_n: int = 16
    max_body: int = 32 * MIB
    grace_period: float = 10.0
    ping_interval: float = 15.0
    shutdown_timeout: int = 5

    def options(self) -> Options:
        """Give what the app is told; `StartupError` for a number or an origin that makes no sense."""
        for name, (least, most) in _RANGES.items():
            if not least <= (value := getattr(self, name)) <= most:
                raise StartupError(f"--{name.replace('_', '-')} is a number from {least} to {most}, not {value}")
        for origin in self.allowed_origins:
            if not _ORIGIN.fullmatch(origin):
                raise StartupError(
                    "--allowed-origins takes * or origins as browsers send them, such as https://chat.example or "
                    f"http://localhost:3000, each by itself, not {origin!r}"
                )
        return Options(
            limits=Limits(max_body=self.max_body, choices=self.max_n),
            times=Times(grace=self.grace_period, ping=self.ping_interval, shutdown=self.shutdown_timeout),
            aliases=_aliases(self.alias),
            strict_model=self.strict_model,
            reasoning=self.reasoning_format,
            allowed_origins=self.allowed_origins,
        )


def _aliases(given: tuple[str, ...]) -> dict[str, str]:
    aliases: dict[str, str] = {}
    for pair in given:
        alias, _, program = pair.partition("=")
        if not (alias and program):
            raise StartupError(f"--alias takes a name and a program's name, as in --alias gpt-4o=hello, not {pair!r}")
        if alias in aliases:
            raise StartupError(f"--alias gives the name {alias!r} twice")
        aliases[alias] = program
    return aliases


def uvicorn_config(app: object, settings: Settings) -> Config:
    """Give uvicorn's configuration: its protocol options by their own names, and what we decided."""
    return Config(
        app,  # type: ignore[arg-type]  # uvicorn's type of an ASGI app is narrower than Starlette's
        host=settings.host,
        port=settings.port,
        uds=settings.uds,
        http="httptools",
        ws="none",
        lifespan="off",  # the worker opens and closes the app itself: it has to know why that failed
        log_config=_logging(LOG_LEVELS[settings.log_level]),
        access_log=settings.access_log,
        root_path=settings.root_path,
        proxy_headers=settings.proxy_headers,
        forwarded_allow_ips=settings.forwarded_allow_ips,
        server_header=False,
        timeout_graceful_shutdown=1,  # for the last bytes: the worker has let the runs end before
    )


def _logging(level: int) -> dict[str, Any]:
    """Let our log look like uvicorn's, and uvicorn keep what it says of itself: we say where we serve."""
    config = deepcopy(LOGGING_CONFIG)
    config["loggers"]["mserve"] = {"handlers": ["default"], "level": level, "propagate": False}
    config["loggers"]["uvicorn.access"]["level"] = level
    config["loggers"]["uvicorn.error"]["level"] = max(level, logging.WARNING) if level >= logging.INFO else level
    return config
