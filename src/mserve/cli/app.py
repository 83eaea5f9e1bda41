"""Names the commands, and where the options of `mserve run` come from: flags, `MSERVE_*`, then `[tool.mserve]`."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from cyclopts import App, ArgumentCollection, CycloptsError, MissingArgumentError, convert
from rich.text import Text

from .failure import errors, told

_NEGATIVE = re.compile(r"MSERVE_NO_|\[tool\]\[mserve\]\[no[-_]")
"""What the environment and the file call an option by its flag that says no."""
_OF_DEV = ("open", "no-open", "no_open")
"""What the file may say to `mserve dev` alone: the others read the same table."""


def version() -> str:
    """Say which version is installed."""
    from importlib import metadata  # noqa: PLC0415  # slow, and no other flag needs it

    return metadata.version("mserve")


def variables(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Take what no flag gave from `MSERVE_*`."""
    from cyclopts.config import Env  # noqa: PLC0415  # for commands that have options, as below

    Env("MSERVE_", command=False, show=False)(app, commands, arguments)


def pyproject(
    app: App, commands: tuple[str, ...], arguments: ArgumentCollection, *, allow_unknown: bool = False
) -> None:
    """Take what no flag and no variable gave from `[tool.mserve]` of the nearest `pyproject.toml`."""
    import tomllib  # noqa: PLC0415

    from cyclopts.config import Dict  # noqa: PLC0415

    here = Path.cwd()
    file = next((file for folder in (here, *here.parents) if (file := folder / "pyproject.toml").is_file()), None)
    if file is None:
        return
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CycloptsError(msg=f"{file} cannot be read: {error}") from error
    if commands != ("dev",):
        _forget(tables, _OF_DEV)
    # No command is named to it: a table [tool.mserve.run] is refused like any key that is no option.
    Dict(tables, root_keys=("tool", "mserve"), source=str(file), allow_unknown=allow_unknown)(app, (), arguments)


def _forget(tables: dict[str, Any], names: Sequence[str]) -> None:
    tools = tables.get("tool")
    options = tools.get("mserve") if isinstance(tools, dict) else None
    if isinstance(options, dict):
        for name in names:
            options.pop(name, None)


def no_empty_key(_app: App, _commands: tuple[str, ...], _arguments: ArgumentCollection) -> None:
    """Refuse a variable of keys that has none: it would leave a server open whose operator believes it is not."""
    if os.environ.get("MSERVE_API_KEY", "given").strip() == "":
        raise CycloptsError(msg="MSERVE_API_KEY is set, and empty: put a key into it, or unset it")


def no_means_no(_app: App, _commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Read `MSERVE_NO_AUTH=1` and `no-auth = true` as `--no-auth`: cyclopts takes them for the opposite of it."""
    for argument in arguments:
        for place, token in enumerate(argument.tokens):
            if bool in (argument.hint, *get_args(argument.hint)) and _NEGATIVE.match(token.keyword or ""):
                try:
                    argument.tokens[place] = token.evolve(value=str(not convert(bool, [token.value])))
                except CycloptsError as error:
                    raise CycloptsError(msg=f"{token.keyword} is true or false, not {token.value!r}") from error


def no_target(error: CycloptsError) -> Text:
    """Say what a chat is with, where nobody said it."""
    argument = error.argument
    if isinstance(error, MissingArgumentError) and argument is not None and argument.name == "--target":
        words = (
            "say whom to talk to: a server by its URL, such as http://127.0.0.1:8000, or a program, such as hello.py"
        )
        return told(f"{words}\nUsage: mserve chat [OPTIONS] TARGET")
    return told(error)


app = App(
    name="mserve",
    help="Write one serve() function, and every OpenAI client can call it as a model.",
    version=version,
    error_console=errors,
    error_formatter=told,
)
CONFIG = [no_empty_key, variables, pyproject, no_means_no]
# Named, not imported: `mserve --help` needs none of what the commands need.
app.command(
    "mserve.cli.run:run",
    sort_key=0,
    help="Serve programs to every OpenAI client.",
    help_epilogue=(
        "Example: mserve run program.py --port 8080\n\n"
        "Each option can come from the environment (MSERVE_PORT=8080) or from [tool.mserve] in pyproject.toml "
        "(port = 8080) as well: a flag beats the environment, which beats the file."
    ),
    config=CONFIG,
)
app.command(
    "mserve.cli.dev:dev",
    sort_key=2,
    help="Serve programs while you write them: each edit that works.",
    help_epilogue="Example: mserve dev program.py\n\nIt has the options of mserve run, from the same places.",
    config=CONFIG,
)
app.command(
    "mserve.cli.deploy:deploy",
    sort_key=3,
    help="Serve programs on Ray Serve, on one machine or many.",
    help_epilogue=(
        "Example: mserve deploy program.py --autoscale 1:4\n\n"
        "It has the options of mserve run, from the same places; those that are Ray's to decide are refused."
    ),
    config=CONFIG,
)
app.command(
    "mserve.cli.chat.command:chat",
    sort_key=4,
    help="Talk to a server or a program in the terminal.",
    help_epilogue="Example: mserve chat program.py\n\nAnd: echo 'Why?' | mserve chat http://127.0.0.1:8000",
    error_formatter=no_target,
)
app.command("mserve.cli.demo:demo", sort_key=5, help="See tokens arrive from the model that comes with mserve.")
app.command("mserve.cli.pull:pull", sort_key=6, help="Download the model that comes with mserve, ahead of time.")
app.command("mserve.cli.key:key", sort_key=7, help="Make an API key for somebody.")
app.command(
    "mserve.cli.store:app", name="store", sort_key=8, help="Look at the runs that are kept, and forget old ones."
)
