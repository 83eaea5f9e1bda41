"""`mserve run`: serve programs."""

from typing import Annotated

from cyclopts import Parameter

from mserve.server.config import Settings
from mserve.server.worker import Worker
from mserve.web.app import create_app

from .failure import told_in_words
from .screen import show_serving


def run(
    *programs: str,
    name: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = (),
    settings: Annotated[Settings, Parameter(name="*", negative_iterable=())] = Settings(),  # noqa: B008  # frozen
) -> None:
    """Serve programs to every OpenAI client.

    Parameters
    ----------
    programs
        Python files with a serve() function (file.py, file.py:name), or module:name.
    name
        What clients write as the model; for the programs in order.
    settings
        How to serve.

    """
    with told_in_words():
        app = create_app(*programs, names=name, options=settings.options())
        Worker(app, settings, lambda base_url: show_serving(app.programs, base_url)).run_forever()
