"""One chat: asks the server, shows the answer, and keeps what was said. Ctrl-C stops an answer, and nothing else."""

import asyncio
import sys
from contextlib import aclosing
from typing import Any, Self

from rich.console import Console
from rich.theme import Theme

from mserve.cli.failure import errors, told

from .api import Api
from .clean import clean_line, whole
from .conversation import Conversation
from .printed import Printed
from .prompt import Prompt
from .refusals import ApiError
from .reply import Call, Reply
from .terminal import silent
from .tools import Tools
from .views import Drawn, Plain, View

_THEME = Theme({"markdown.code": "bold cyan", "markdown.code_block": "cyan"})


class Session:
    """A chat with one server."""

    def __init__(
        self,
        api: Api,
        runner: asyncio.Runner,
        fields: dict[str, Any],
        system: str | None,
        printed: Printed,
    ) -> None:
        """Begin a chat with nobody yet: `model` is still to be said. `fields` and `tools` go with each question."""
        self.api = api
        self.model = ""
        self.tools: Tools = []
        self.conversation = Conversation(None if system is None else whole(system))
        self.console = Console(highlight=False, theme=_THEME)
        self._runner = runner
        self._fields = fields
        self._printed = printed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self._runner.run(self.api.close())

    def models(self) -> list[str]:
        """Ask for all models."""
        return self._runner.run(self.api.models())

    def ask(self, question: str) -> Reply | None:
        """Begin a turn; None where it failed, of which somebody was told."""
        self.conversation.ask(whole(question))
        self._printed.ask()
        return self.go_on()

    def converse(self, question: str, prompt: Prompt) -> None:
        """Begin a turn, and answer the calls of it."""
        reply = self.ask(question)
        while reply is not None and reply.calls:
            reply = self.go_on() if self._answered(reply, prompt) else None

    def go_on(self) -> Reply | None:
        """Have the conversation as it is answered."""
        reply = Reply()
        try:
            with silent():
                self._runner.run(self._answer(reply))
        except ApiError as error:
            errors.print(told(error))
            self._printed.show()
            self._keep(reply, [])
            return None
        if not reply.whole_calls():
            self._keep(reply, [])
        return reply

    async def _answer(self, reply: Reply) -> None:
        view = self._view()
        request = {"model": whole(self.model), "messages": self.conversation.messages(), **self._fields}
        request |= {"tools": self.tools} if self.tools else {}
        try:
            async with aclosing(self.api.answer(request)) as chunks:
                async for chunk in chunks:
                    for piece in reply.take(chunk):
                        view.show(piece)
        except asyncio.CancelledError:
            reply.was_stopped = True
        finally:
            view.end(reply.figures())

    def _view(self) -> View:
        can_draw = sys.stdout.isatty() and not self.console.is_dumb_terminal
        return Drawn(self.console) if can_draw else Plain()

    def _answered(self, reply: Reply, prompt: Prompt) -> bool:
        """Ask for the results of calls; tell whether there is one, for the program to go on with."""
        calls = reply.whole_calls()
        if not calls:
            return False
        results = [(call, prompt.line(f"result of {clean_line(call.name, 40)} (empty: none)> ")) for call in calls]
        given = [(call, result) for call, result in results if result.strip()]
        self._keep(reply, [call for call, _ in given])
        for call, result in given:
            self.conversation.add({"role": "tool", "tool_call_id": whole(call.id), "content": whole(result)})
        return bool(given)

    def _keep(self, reply: Reply, calls: list[Call]) -> None:
        """Keep an answer; no call that has no result: no server takes a conversation of that kind."""
        message = reply.message(calls)
        if message is not None:
            self.conversation.add(message)
