"""Makes Ray Serve's application: a deployment for each program, and the ingress before them all."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import structs
from ray import serve
from ray.serve import Application
from ray.serve.config import AutoscalingConfig, BackpressureConfig, RequestRouterConfig

from mserve.program import Traits
from mserve.programs.user import UserProgram, load

from .ingress import Described, Served
from .plan import ENVIRONMENT, Part, Plan, Scale
from .replica import ProgramReplica

_SURGE = 25
"""Percent of the replicas that may be there twice during an update: the new ones come before the old ones go."""
_BY_SESSION = "ray.serve.experimental.consistent_hash_router.ConsistentHashRouter"
"""Finds a session's replica without asking anybody, and the next one where that is full."""
_AGAIN = 1
"""Seconds after which somebody whom Ray itself refused may try again."""
_NO_END = 2**31 - 1


def build(args: dict[str, Any]) -> Application:
    """Make the application that a config of Ray's names, by the `args` that stand in it."""
    plan = msgspec.convert(args, Plan)
    parts = plan.programs
    return application(plan, load(*[part.source for part in parts], names=tuple(part.name for part in parts)))


def application(plan: Plan, programs: Sequence[UserProgram]) -> Application:
    """Make the application of some programs, in the plan's order."""
    bound = [_program(plan, part, program) for part, program in zip(plan.programs, programs, strict=True)]
    described = [_described(program) for program in programs]
    ingress = serve.deployment(
        Served,
        name="ingress",
        max_ongoing_requests=plan.connections,
        backpressure_config=BackpressureConfig(status_code=429, retry_after_s=_AGAIN),
        graceful_shutdown_timeout_s=plan.patience,
        max_surge_percent=_SURGE,
        **_scaled(plan.ingress, plan.connections),
    )
    # Who may run is decided where programs run: an ingress would count its own runs alone.
    limits = structs.replace(plan.options.limits, runs=_NO_END)
    return ingress.bind(described, bound, structs.replace(plan.options, limits=limits), plan.logs)


def _program(plan: Plan, part: Part, program: UserProgram) -> Application:
    options, traits = plan.options, program.traits
    runs = traits.max_runs or options.limits.runs
    if program.sync:  # each has a thread: further ones are better off on another replica
        runs = min(runs, options.limits.threads)
    queue = options.limits.queue if traits.max_queue is None else traits.max_queue
    deployment = serve.deployment(
        ProgramReplica,
        name=re.sub(r"[^\w.-]", "-", part.name),
        max_ongoing_requests=runs,
        max_queued_requests=max(1, queue),  # Ray counts who is being handed over as somebody who waits
        graceful_shutdown_timeout_s=plan.patience,
        max_surge_percent=_SURGE,
        **_routed(traits),
        **_scaled(plan.scale, runs),
    )
    # What the ingress does to an answer is done there, once.
    return deployment.bind(part, structs.replace(options, reasoning="fields", store=None), plan.logs)


def _described(program: UserProgram) -> Described:
    traits = structs.replace(program.traits, max_runs=None, max_queue=None)  # Ray counts, where it hands over
    return Described(name=program.name, declares=program.declares, traits=traits)


def _routed(traits: Traits) -> dict[str, Any]:
    """Give Ray's options for how a replica is chosen."""
    if not traits.session_affinity:
        return {}
    return {"request_router_config": RequestRouterConfig(request_router_class=_BY_SESSION)}


def _scaled(scale: Scale, runs: int) -> dict[str, Any]:
    """Give Ray's options for a number of replicas that each take so many runs."""
    actor = {"num_cpus": scale.cpus, "num_gpus": scale.gpus, "runtime_env": {"env_vars": ENVIRONMENT}}
    if scale.most is None:
        return {"num_replicas": scale.replicas, "ray_actor_options": actor}
    autoscaling = AutoscalingConfig(
        min_replicas=scale.replicas,
        max_replicas=scale.most,
        target_ongoing_requests=min(scale.target, runs),
        upscale_delay_s=scale.up_after,
        downscale_delay_s=scale.down_after,
    )
    return {"autoscaling_config": autoscaling, "ray_actor_options": actor}
