"""`mserve run`: serve programs."""

from collections.abc import Sequence

from mserve.server.config import Settings
from mserve.server.uvicorn_config import set_up_logs
from mserve.server.worker import Worker
from mserve.web.app import create_app

from .arguments import HowToServe, Names, Program, forget_secrets
from .failure import told_in_words
from .screen import log_serving, page_of, show_page, show_serving


def run(
    *programs: Program,
    names: Names = (),
    settings: HowToServe = Settings(),  # noqa: B008  # frozen
) -> None:
    """Serve programs to every OpenAI client."""
    forget_secrets()
    with told_in_words():
        set_up_logs(settings)

        def show(names: Sequence[str], base_url: str) -> None:
            if settings.log_format == "json":
                log_serving(names, base_url)
            else:
                show_serving(names, base_url)
                show_page(page_of(base_url, settings))

        if settings.workers > 1:
            from mserve.server.workers import Workers  # noqa: PLC0415  # not what a single one needs

            Workers(programs, names, settings, show).run()
            return
        app = create_app(*programs, names=names, options=settings.options())
        served = [program.name for program in app.programs]
        Worker(app, settings, lambda base_url: show(served, base_url)).run_forever()
