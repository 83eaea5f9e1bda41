"""`mserve demo`: see tokens arrive from a Mellea program, on the embedded model, through OpenAI's client."""

import asyncio
import os
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Annotated, Any

from cyclopts import Parameter

from mserve.errors import LocalModelError, StartupError
from mserve.local import fetch
from mserve.server.config import Settings
from mserve.server.worker import Worker
from mserve.web.app import create_app

from .examples import example
from .failure import told_in_words
from .fetching import fetching
from .screen import console, show_serving

MODEL = "demo"
QUESTION = "Why is the sky blue? Answer in two sentences."

_SNIPPETS = """
[bold]From a shell:[/]

curl -N {base_url}/chat/completions -H 'Content-Type: application/json' \\
  -d '{{"model": "{model}", "stream": true, "messages": \\[{{"role": "user", "content": "Say hello."}}]}}'

[bold]From Python:[/]

from openai import OpenAI

client = OpenAI(base_url="{base_url}", api_key="none")
messages = \\[{{"role": "user", "content": "Say hello."}}]
for chunk in client.chat.completions.create(model="{model}", messages=messages, stream=True):
    print(chunk.choices\\[0].delta.content or "", end="", flush=True)
"""


def demo(
    question: str = QUESTION,
    *,
    port: int = 8000,
    once: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Stream an answer of the embedded model into the terminal, then serve on until Ctrl-C.

    Parameters
    ----------
    question
        What to ask.
    port
        The port to serve on; 0 takes a free one.
    once
        End after the answer.

    """
    os.environ.setdefault("MELLEA_LOGS_LEVEL", "WARNING")
    with told_in_words():
        missing = [package for package in ("mellea", "openai", "xllamacpp") if find_spec(package) is None]
        if missing:
            raise LocalModelError(f"the demo needs {', '.join(missing)}: pip install 'mserve[demo]'")
        with fetching() as progress:
            fetch(progress=progress)
        asyncio.run(_demo(question, Settings(port=port, log_level="warning"), once=once))


async def _demo(question: str, settings: Settings, *, once: bool) -> None:
    app = create_app(example("streaming"), names=[MODEL], options=settings.options())
    shows: list[asyncio.Task[None]] = []

    async def show(base_url: str) -> None:
        try:
            show_serving([MODEL], base_url)
            await _ask(question, base_url, lambda: worker.should_exit)
            worker.should_exit = worker.should_exit or once
            if not worker.should_exit:
                console.print(_SNIPPETS.format(base_url=base_url, model=MODEL))
        except BaseException:
            worker.should_exit = True
            raise

    worker = Worker(app, settings, lambda base_url: shows.append(asyncio.create_task(show(base_url))))
    await worker.serve()
    for task in shows:
        await task


async def _ask(question: str, base_url: str, stopped: Callable[[], bool]) -> None:
    """Stream one answer, and say how fast it came; not to its end where the server stops meanwhile."""
    import openai  # noqa: PLC0415  # an extra, and slow to import

    console.print(f"\n{question}\n", style="bold", markup=False)
    started = first = time.perf_counter()
    usage: Any = None
    async with openai.AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0) as client:
        try:
            answer = await client.chat.completions.create(
                model=MODEL,
                messages=[{"role": "user", "content": question}],
                stream=True,
                stream_options={"include_usage": True},
                max_completion_tokens=200,
            )
            async with answer:
                async for chunk in answer:
                    usage = chunk.usage or usage
                    text = chunk.choices[0].delta.content if chunk.choices else None
                    if text:
                        first = time.perf_counter() if first == started else first
                        console.print(text, end="", markup=False)
                    if stopped():
                        return
        except openai.APIError as error:
            raise StartupError(f"the demo's program failed: {error.message}") from error
    ended = time.perf_counter()
    tokens = usage.completion_tokens
    rate = (tokens - 1) / (ended - first) if tokens > 1 else 0.0
    waited = (first - started) * 1000
    console.print(f"\n\n[dim]first token after {waited:.0f} ms, then {rate:.0f} tokens/s; {tokens} tokens in all[/]")
    console.print("[dim]The model is tiny (135M parameters): quick to fetch, and often wrong.[/]")
