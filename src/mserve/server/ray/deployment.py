"""Brings an application to a cluster, and waits until it answers. Reports what it sees by callback."""

import math
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import ray
from msgspec import Struct
from ray import serve
from ray.serve.context import _get_global_client
from ray.serve.exceptions import RayServeException

from mserve.errors import StartupError
from mserve.server.access import check_reach
from mserve.server.config import Settings

from .application import application
from .planning import Planned
from .wanted import Wanted

_LOOK = 0.2
_TELL = 15.0
"""Seconds after which it is said what is waited for; and again."""

_FLAGS = {
    "host": "--host",
    "port": "--port",
    "root_path": "--root-path",
    "keep_alive_timeout_s": "--timeout-keep-alive",
    "ssl_certfile": "--ssl-certfile",
    "ssl_keyfile": "--ssl-keyfile",
}
"""What the proxies' options are called here; a password is told to nobody."""

Tell = Callable[[str], None]


class Deployed(Struct, frozen=True):
    """What came of it."""

    base_url: str
    is_own: bool
    """Whether the cluster was started for it, and ends with this process."""


def deploy(planned: Planned, wanted: Wanted, settings: Settings, tell: Tell) -> Deployed:
    """Start an application, or update the one of this name; `StartupError` where that fails, with Ray's reason."""
    plan = planned.plan
    runtime_env = {"working_dir": str(planned.folder), "excludes": list(planned.excludes)}
    is_own = _connect(wanted.address, runtime_env, plan.processors())
    try:
        serve.start(http_options=http_options(settings))
        http = _get_global_client().http_config
        for said in () if is_own else _on_found(wanted, settings, http):
            tell(said)
        keyed = bool(plan.options.api_keys)
        check_reach(http.host, uds=False, auth=settings.auth, keyed=keyed)
        serve.run_many(
            [serve.RunTarget(application(plan, planned.programs), wanted.app, wanted.route_prefix)],
            wait_for_ingress_deployment_creation=False,
            wait_for_applications_running=False,
        )
    except (RuntimeError, ValueError, ray.exceptions.RayError, RayServeException) as error:
        raise StartupError(f"Ray does not take it: {error}") from error
    _wait(wanted.app, plan.processors(), tell)
    scheme = "https" if http.ssl_certfile else "http"
    host = "127.0.0.1" if http.host in ("0.0.0.0", "::") else http.host  # noqa: S104  # compared
    return Deployed(f"{scheme}://{host}:{http.port}{http.root_path}{wanted.route_prefix.rstrip('/')}/v1", is_own)


def take_down(wanted: Wanted, tell: Tell) -> None:
    """Take an application down, and wait until its streams have ended. `StartupError` where there is none."""
    _connect(wanted.address, None)
    if wanted.app not in serve.status().applications:
        raise StartupError(f"there is no application {wanted.app!r} on this cluster")
    while wanted.app in serve.status().applications:
        try:
            serve.delete(wanted.app)
        except TimeoutError:  # Ray waits for a minute, and streams may take longer
            tell("waiting: its streams have not ended yet; who does not wait may leave, and it goes all the same")


def http_options(settings: Settings) -> dict[str, Any]:
    """Give what Ray's proxies are told, all applications' alike; one that already runs stays as it is."""
    return {
        "host": settings.host,
        "port": settings.port,
        "root_path": settings.root_path,
        "keep_alive_timeout_s": settings.timeout_keep_alive,
        "ssl_certfile": settings.ssl_certfile,
        "ssl_keyfile": settings.ssl_keyfile,
        "ssl_keyfile_password": settings.ssl_keyfile_password,
    }


def _connect(address: str | None, runtime_env: dict[str, Any] | None, processors: float = 0.0) -> bool:
    """Connect to a cluster, that of RAY_ADDRESS where none is named; tell whether it had to be started.

    One that is started has as many processors as are asked for: Ray counts by them, and this machine has what it has.
    """
    address = address or os.environ.get("RAY_ADDRESS")
    quiet: dict[str, Any] = {"namespace": "serve", "log_to_driver": False, "logging_level": "warning"}
    try:
        ray.init(address or "auto", runtime_env=runtime_env, **quiet)
    except ConnectionError as error:
        if address or runtime_env is None:
            raise StartupError(f"there is no Ray cluster at {address or 'this machine'}: {error}") from error
    except (RuntimeError, ValueError) as error:
        raise StartupError(f"Ray does not take it: {error}") from error
    else:
        return False
    processors = max(math.ceil(processors), os.cpu_count() or 1)
    ray.init(include_dashboard=False, runtime_env=runtime_env, num_cpus=processors, **quiet)
    return True


def _on_found(wanted: Wanted, settings: Settings, http: Any) -> Iterator[str]:
    """Say what is done to a cluster that is there, and which options its proxies do not hear."""
    does = "updating" if wanted.app in serve.status().applications else "deploying"
    yield f"{does} {wanted.app} on the cluster {wanted.address or ray.get_runtime_context().gcs_address}"
    usual = http_options(Settings())
    for name, value in http_options(settings).items():
        if name in _FLAGS and value not in (usual[name], there := getattr(http, name)):
            yield f"{_FLAGS[name]} {value} counts for nothing: the proxies of this cluster run with {there}"


def _wait(app: str, processors: float, tell: Tell) -> None:
    """Wait until an application runs; tell, now and then, what it waits for."""
    told, was_there = time.monotonic(), False
    while True:
        seen = serve.status().applications.get(app)
        if seen is not None and seen.status == "RUNNING":
            return
        if seen is None and was_there:
            raise StartupError("somebody has taken the application down meanwhile")
        was_there = seen is not None
        if seen is not None and seen.status in ("DEPLOY_FAILED", "UNHEALTHY"):
            raise StartupError(f"the application does not start: {_reasons(seen)}")
        if seen is not None and time.monotonic() - told >= _TELL:
            told = time.monotonic()
            tell(f"waiting: {_reasons(seen)}")
            if processors > (there := ray.cluster_resources().get("CPU", 0.0)):
                tell(f"it may take {processors:g} processors (--cpus, --ingress-cpus), and the cluster has {there:g}")
        time.sleep(_LOOK)


def _reasons(seen: Any) -> str:
    """Say what Ray says of an application and of the deployments that are not as they shall be."""
    said = [seen.message, *(f"{name}: {one.message}" for name, one in seen.deployments.items() if one.message)]
    return "; ".join(dict.fromkeys(text.strip() for text in said if text)) or str(seen.status)
