"""`mserve deploy`: serve programs on Ray Serve."""

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.text import Text

from mserve.errors import StartupError
from mserve.server.ray.planning import Planned, RaySettings, planned
from mserve.server.ray.wanted import Wanted

from .arguments import Names, Program, forget_secrets
from .failure import errors, told_in_words
from .screen import console, show_serving

if TYPE_CHECKING:
    from mserve.server.ray.deployment import Deployed

HowToServe = Annotated[RaySettings, Parameter(name="*", negative_iterable=())]
HowToDeploy = Annotated[Wanted, Parameter(name="*")]
Build = Annotated[
    Path | None, Parameter(help="Write Ray's own config into this file, for `serve deploy`, and deploy nothing.")
]
Image = Annotated[
    str | None,
    Parameter(help="A container's image with mserve[ray] and the programs: --build writes a RayService for KubeRay."),
]
WorkingDir = Annotated[
    str | None,
    Parameter(help="The address of a zip file of the programs, for --build; by default the nodes have them."),
]
Delete = Annotated[bool, Parameter(negative=(), help="Take the application down, and deploy nothing.")]


def deploy(
    *programs: Program,
    names: Names = (),
    build: Build = None,
    image: Image = None,
    working_dir: WorkingDir = None,
    delete: Delete = False,
    wanted: HowToDeploy = Wanted(),  # noqa: B008  # frozen
    settings: HowToServe = RaySettings(),  # noqa: B008  # frozen
) -> None:
    """Serve programs on Ray Serve, each on replicas of its own behind one ingress."""
    forget_secrets()
    with told_in_words():
        if delete and (programs or build or wanted != Wanted(address=wanted.address, app=wanted.app)):
            raise StartupError("--delete takes an application down, and has nothing beside it but --app and --address")
        if build is None and (image or working_dir):
            raise StartupError(f"--{'image' if image else 'working-dir'} says something with --build alone")
        try:
            from mserve.server.ray import deployment  # noqa: PLC0415  # an extra, and slow
        except ImportError as error:
            raise StartupError("mserve deploy needs Ray Serve: pip install 'mserve[ray]'") from error
        if delete:
            deployment.take_down(wanted, _tell)
            return
        plan = planned(programs, names, settings, wanted)
        if build is not None:
            _write(build, _config(plan, wanted, settings, image, working_dir))
            return
        _show(plan, wanted, deployment.deploy(plan, wanted, settings, _tell))


def _config(plan: Planned, wanted: Wanted, settings: RaySettings, image: str | None, working_dir: str | None) -> str:
    from mserve.server.ray.manifest import config_of, manifest_of  # noqa: PLC0415  # as above

    if image is None:
        return config_of(plan.plan, wanted, settings, working_dir)
    return manifest_of(plan.plan, wanted, settings, working_dir, image)


def _write(file: Path, config: str) -> None:
    try:
        file.write_text(config, "utf-8")
    except OSError as error:
        raise StartupError(f"--build cannot write {file}: {error.strerror}") from error
    console.print(Text.assemble("Wrote ", (str(file), "bold cyan")))


def _tell(what: str) -> None:
    errors.print(Text(what, style="dim"))


def _show(plan: Planned, wanted: Wanted, done: "Deployed") -> None:
    """Say what is served, where, and how that ends; stay for as long as the cluster is this process's."""
    names = [one.name for one in plan.programs]
    if done.is_own:
        show_serving(names, done.base_url)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
        return
    address = "" if wanted.address is None else f" --address {wanted.address}"
    show_serving(names, done.base_url, f"mserve deploy --delete --app {wanted.app}{address}")
