"""What a line that begins with a slash does."""

import time
from collections.abc import Callable

from mserve.cli.failure import errors, told
from mserve.errors import MserveError

from .clean import clean_line, whole
from .files import named, reason
from .nearest import nearest
from .prompt import Prompt
from .refusals import ApiError
from .session import Session
from .tools import read_tools, told_of

_HELP = {
    "/model [NAME]": "list the models, or choose one",
    "/system [TEXT]": "show what stands before the conversation, or set it; a - takes it away",
    "/tools [FILE]": "show the tools that are offered, or offer those of a file; a - takes them away",
    "/retry": "ask the last question again",
    "/undo": "take the last question and its answer back",
    "/new": "begin anew",
    "/save [FILE]": "write the conversation down: Markdown, or JSON by the file's ending; /save! replaces a file",
    "/forget": "delete the lines that were typed, of all chats",
    "/help": "this",
    "/quit": "end the chat, as Ctrl-D does",
}
_MORE = (
    'A \\ at a line\'s end goes on in the next; """ begins and ends several. Ctrl-C stops an answer. '
    "A blank before a slash makes it a message."
)


class Commands:
    """The commands of one chat."""

    def __init__(self, session: Session, prompt: Prompt) -> None:
        self._session = session
        self._prompt = prompt
        self.has_quit = False
        self._all: dict[str, Callable[[str], None]] = {
            "/model": self._model,
            "/system": self._system,
            "/tools": self._tools,
            "/retry": self._retry,
            "/undo": self._undo,
            "/new": self._new,
            "/save": self._save,
            "/save!": self._replace,
            "/forget": self._forget,
            "/help": self._help,
            "/quit": self._quit,
        }

    def do(self, line: str) -> None:
        """Do what a line says."""
        name, _, said = line.strip().partition(" ")
        command = self._all.get(name)
        if command is None:
            _complain(f"there is no command {clean_line(name, 40)}: {nearest(name, self._all, '/help lists them')}")
        else:
            command(said.strip())

    def _model(self, name: str) -> None:
        try:
            models = self._session.models()
        except ApiError as error:
            _complain(str(error))
            return
        if not name:
            for model in models:
                print("*" if model == self._session.model else " ", clean_line(model))
        elif models and name not in models:
            _complain(f"there is no model {clean_line(name)}: {nearest(name, models, '/model lists them')}")
        else:
            self._session.model = name
            print(f"Talking to {clean_line(name)}.")

    def _system(self, text: str) -> None:
        conversation = self._session.conversation
        if text:
            conversation.system = None if text == "-" else whole(text)
        print(clean_line(conversation.system or "(nothing stands before the conversation)", 10_000))

    def _tools(self, name: str) -> None:
        try:
            if name:
                self._session.tools = [] if name == "-" else read_tools(name)
        except MserveError as error:
            _complain(str(error))
            return
        for line in told_of(self._session.tools) or ["(no tools are offered)"]:
            print(line)

    def _retry(self, _said: str) -> None:
        question = self._session.conversation.undo()
        if question is None:
            _complain("nothing was asked yet")
        else:
            print(f"> {clean_line(question)}")
            self._session.converse(question, self._prompt)

    def _undo(self, _said: str) -> None:
        question = self._session.conversation.undo()
        print("Nothing was asked yet." if question is None else f"Taken back: {clean_line(question)}")

    def _new(self, _said: str) -> None:
        self._session.conversation.clear()
        print("A new conversation.")

    def _save(self, name: str) -> None:
        self._write(name, "x")

    def _replace(self, name: str) -> None:
        self._write(name, "w")

    def _write(self, name: str, mode: str) -> None:
        file = named(name or time.strftime("chat-%Y%m%d-%H%M%S.md"))
        conversation = self._session.conversation
        form = conversation.as_json if file.suffix == ".json" else conversation.as_markdown
        try:
            with file.open(mode, encoding="utf-8") as opened:
                opened.write(form(whole(self._session.model)))
        except FileExistsError:
            _complain(f"{clean_line(str(file))} is there already: /save! replaces it")
        except (OSError, ValueError) as error:
            _complain(clean_line(f"{file} cannot be written: {reason(error, file)}", 1000))
        else:
            print(f"Written to {clean_line(str(file))}.")

    def _forget(self, _said: str) -> None:
        self._prompt.history.forget()
        print("The lines that were typed are deleted.")

    def _help(self, _said: str) -> None:
        for name, what in _HELP.items():
            print(f"{name:<15} {what}")
        print(_MORE)

    def _quit(self, _said: str) -> None:
        self.has_quit = True


def _complain(words: str) -> None:
    errors.print(told(words))
