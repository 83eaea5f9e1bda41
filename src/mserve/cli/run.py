"""`mserve run`: serve programs."""

from typing import Annotated

from cyclopts import Parameter

from mserve.server.config import Settings, set_up_logs
from mserve.server.worker import Worker
from mserve.web.app import create_app

from .failure import told_in_words
from .screen import log_serving, show_serving


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
        set_up_logs(settings)
        app = create_app(*programs, names=name, options=settings.options())
        names = [program.name for program in app.programs]
        show = show_serving if settings.log_format == "text" else log_serving
        Worker(app, settings, lambda base_url: show(names, base_url)).run_forever()
