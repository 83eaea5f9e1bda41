"""What uvicorn and the logs are told, by our settings."""

from functools import partial
from logging.config import dictConfig
from typing import Any

from uvicorn.config import Config

from .config import Settings
from .fitted import warn_of_newer
from .forwarded import Forwarded
from .http import Connection
from .limits import Rules
from .logs import logging_config
from .tls import tls_context


def uvicorn_config(app: object, settings: Settings) -> Config:
    """Give uvicorn's configuration, what we decided in it; `StartupError` for a certificate that does not serve."""
    warn_of_newer()
    rules = Rules(settings.max_header_size, settings.header_timeout, settings.body_timeout)
    tls = tls_context(settings.ssl_certfile, settings.ssl_keyfile, settings.ssl_keyfile_password)
    return Config(
        Forwarded(app, settings.forwarded_allow_ips) if settings.proxy_headers else app,  # type: ignore[arg-type]
        interface="asgi3",
        host=settings.host,
        port=settings.port,
        uds=settings.uds,
        http=partial(Connection, rules),  # type: ignore[arg-type]  # all that it does with a class is to call it
        timeout_keep_alive=settings.timeout_keep_alive,
        ws="none",
        lifespan="off",  # the worker opens and closes the app itself: it has to know why that failed
        log_config=_log_config(settings),
        access_log=False,  # ours says more
        root_path=settings.root_path,
        proxy_headers=False,  # ours asks first whether there are any
        server_header=False,
        ssl_context_factory=None if tls is None else lambda *_: tls,
        timeout_graceful_shutdown=1,  # for the last bytes: the worker has let the runs end before
    )


def set_up_logs(settings: Settings) -> None:
    """Let logs look as they will: before programs are loaded, since that may already say something."""
    dictConfig(_log_config(settings))


def _log_config(settings: Settings) -> dict[str, Any]:
    return logging_config(settings.log_level, settings.log_format, access=settings.access_log)
