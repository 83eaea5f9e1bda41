"""What was said so far: turns, each a question and what came of it. Knows no server and no terminal."""

import json
from typing import Any

Message = dict[str, Any]


class Conversation:
    """The turns, and what stands before them all."""

    def __init__(self, system: str | None = None) -> None:
        self.system = system
        self._turns: list[list[Message]] = []

    def ask(self, question: str) -> None:
        """Begin a turn."""
        self._turns.append([{"role": "user", "content": question}])

    def add(self, message: Message) -> None:
        """Add to the last turn: an answer, or a tool's result."""
        self._turns[-1].append(message)

    def undo(self) -> str | None:
        """Take the last turn back; give its question, None where there is none."""
        return str(self._turns.pop()[0]["content"]) if self._turns else None

    def clear(self) -> None:
        """Begin anew; what stands before all turns stays."""
        self._turns.clear()

    def messages(self) -> list[Message]:
        """Give what is sent: all but the questions before the last that nothing came of."""
        system = [] if self.system is None else [{"role": "system", "content": self.system}]
        last = self._turns[-1:]
        said = [*(turn for turn in self._turns[:-1] if len(turn) > 1), *last]
        return system + [message for turn in said for message in turn]

    def as_json(self, model: str) -> str:
        """Give it as what can be sent again."""
        return json.dumps({"model": model, "messages": self.messages()}, ensure_ascii=False, indent=2) + "\n"

    def as_markdown(self, model: str) -> str:
        """Give it as what can be read."""
        return f"# A chat with {model}\n" + "".join(map(_section, self.messages()))


def _section(message: Message) -> str:
    called = [_called(call[call["type"]]) for call in message.get("tool_calls", ())]
    text = message["content"] or ""
    if message["role"] == "tool":
        text = _fenced(text)
    return "\n\n".join(filter(None, [f"\n## {message['role']}", text, *called])) + "\n"


def _called(what: dict[str, str]) -> str:
    return f"calls `{what['name']}`:\n\n{_fenced(what.get('arguments') or what.get('input', ''))}"


def _fenced(text: str) -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}\n{text}\n{fence}"
