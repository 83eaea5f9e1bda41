"""Writes what others deploy: Ray's own config for `serve deploy`, and a manifest for KubeRay. Talks to no cluster."""

from typing import Any

import msgspec
import yaml
from ray import __version__ as ray_version
from ray.serve.schema import ServeDeploySchema

from mserve.errors import StartupError
from mserve.server.config import Settings

from .deployment import http_options
from .plan import Plan
from .wanted import Wanted

_IMPORT_PATH = "mserve.server.ray.application:build"


def config_of(plan: Plan, wanted: Wanted, settings: Settings, working_dir: str | None) -> str:
    """Give Ray's config of an application, as YAML; `StartupError` for what may not stand in a file."""
    return _yaml(_config(plan, wanted, settings, working_dir))


def manifest_of(plan: Plan, wanted: Wanted, settings: Settings, working_dir: str | None, image: str) -> str:
    """Give a `RayService` of an application, whose nodes are made of a container's image that has mserve[ray]."""
    config = _yaml(_config(plan, wanted, settings, working_dir))
    container = {"name": "ray", "image": image}
    head = {**container, "ports": [{"containerPort": settings.port, "name": "serve"}]}
    most = plan.scale.most or plan.scale.replicas
    group = {
        "groupName": "replicas",
        "replicas": 1,
        "minReplicas": 1,
        "maxReplicas": max(1, most),
        "rayStartParams": {},
        "template": {"spec": {"containers": [container]}},
    }
    spec = {
        "serveConfigV2": config,
        "rayClusterConfig": {
            "rayVersion": ray_version,
            "enableInTreeAutoscaling": plan.scale.most is not None,
            "headGroupSpec": {"rayStartParams": {}, "template": {"spec": {"containers": [head]}}},
            "workerGroupSpecs": [group],
        },
    }
    return _yaml({"apiVersion": "ray.io/v1", "kind": "RayService", "metadata": {"name": wanted.app}, "spec": spec})


def _config(plan: Plan, wanted: Wanted, settings: Settings, working_dir: str | None) -> dict[str, Any]:
    if plan.options.store is not None and _has_password(plan.options.store):
        raise StartupError(
            "a file is no place for a password: leave it out of --store, and give it to the replicas as PGPASSWORD"
        )
    if settings.ssl_keyfile_password is not None:
        raise StartupError("a file is no place for a password: --ssl-keyfile-password cannot be written down")
    args: dict[str, Any] = _without_defaults(plan)
    application = {"name": wanted.app, "route_prefix": wanted.route_prefix, "import_path": _IMPORT_PATH, "args": args}
    if working_dir is not None:
        application["runtime_env"] = {"working_dir": working_dir}
    http = {name: value for name, value in http_options(settings).items() if value not in (None, "")}
    config = {"proxy_location": "EveryNode", "http_options": http, "applications": [application]}
    try:
        ServeDeploySchema.model_validate(config)
    except ValueError as error:
        raise StartupError(f"Ray does not take it: {error}") from error
    return config


def _has_password(url: str) -> bool:
    return ":" in url.partition("://")[2].rpartition("@")[0] or "password=" in url


def _without_defaults(plan: Plan) -> Any:
    """Give a plan as plain values, without what need not be said."""

    def differs(value: Any, default: Any) -> Any:
        return {
            name: differs(one, default.get(name))
            if isinstance(one, dict) and isinstance(default.get(name), dict)
            else one
            for name, one in value.items()
            if one != default.get(name)
        }

    default = Plan(programs=(), options=type(plan.options)())
    return differs(msgspec.to_builtins(plan), msgspec.to_builtins(default)) | {
        "options": differs(msgspec.to_builtins(plan.options), msgspec.to_builtins(default.options))
    }


def _yaml(value: Any) -> str:
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
    return text
