"""`mserve chat` on a terminal: typed into, and seen as its screen shows it."""

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from screens import Screen

PROGRAM = """
import asyncio, os, pathlib, time
from mserve import ReasoningDelta, ToolCallDelta, ToolCallStart, Usage

async def serve(prompt, messages, model, tools=None):
    match prompt.split(" ")[0]:
        case "markdown":
            yield "# Title\\n\\nSome **bold"
            yield "** text.\\n\\n- one\\n- two\\n\\n```python\\nx = 1\\n```\\n"
        case "tall":
            for number in range(100):
                yield f"- item {number}\\n"
                await asyncio.sleep(0.002)
        case "think":
            yield ReasoningDelta("so many thoughts\\n" * 30)
            await asyncio.sleep(0.3)
            yield ReasoningDelta("and one")
            yield "the answer"
            yield ReasoningDelta("second thoughts")
            yield " and more"
            yield Usage(3, 42)
        case "tool" if messages[-1]["role"] == "tool":
            yield " ".join(f"{one['tool_call_id']}={one['content']}" for one in messages if one["role"] == "tool")
        case "tool":
            yield "Let me see. "
            for name in ("one", "two"):
                yield ToolCallStart(name, f"look_{name}")
                for character in '{"city": "Lisbon"}':
                    yield ToolCallDelta(name, character)
        case "custom" if messages[-1]["role"] == "tool":
            yield f"{messages[-2]['tool_calls'][0]['custom']['input']} gave {messages[-1]['content']}"
        case "custom":
            yield ToolCallStart("c", "grep", "custom")
            for piece in ("two ", "words"):
                yield ToolCallDelta("c", piece)
        case "offered":
            yield str(tools and [one["function"]["name"] for one in tools])
        case "unfinished":
            yield ToolCallStart("one", "look")
            yield ToolCallDelta("one", '{"city')
            await asyncio.sleep(60)
        case "hostile":
            yield "\\x1b]0;title\\x07\\x1b[2J\\x9b1;1H"
            yield "\\rX &#13;Y &#x202e;Z &#27;[2J <b>tag</b> [red]markup[/] \\u2066\\ud83d\\n"
            yield "[link](http://a.example/%1b[2J) \\x1b[?1049h"
            yield ToolCallStart("c", "name\\x1b[2J\\nnext")
        case "long":
            try:
                for number in range(1000):
                    yield f"word{number} "
                    await asyncio.sleep(0.02)
            finally:
                pathlib.Path("left").write_text(str(time.time()))
        case "print":
            print("printed in peace")
            yield "printed"
        case "fail":
            print("printed on the way")
            yield "half an answer"
            raise ValueError("no luck")
        case "leader":
            yield f"leads its session: {os.getsid(0) == os.getpid()}"
        case "none":
            await asyncio.sleep(60)
        case "die":
            os._exit(1)
        case "show":
            yield repr([one["content"] for one in messages])
        case _:
            yield f"{model}: {prompt}"
"""

Chat = Callable[..., Screen]


@pytest.fixture
def chat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chat]:
    """Start a chat with the program, in a folder and with a history of its own."""
    (tmp_path / "talker.py").write_text(PROGRAM)
    monkeypatch.chdir(tmp_path)
    started: list[Screen] = []

    def start(*arguments: str, columns: int = 60, rows: int = 20, **env: str) -> Screen:
        env = {"XDG_STATE_HOME": str(tmp_path / "state")} | env
        started.append(Screen(*(arguments or ("talker.py",)), env=env, columns=columns, rows=rows))
        started[-1].wait_for(r"(?s)Talking to .*\n>$")
        return started[-1]

    yield start
    for screen in started:
        screen.stop()


def ask(screen: Screen, question: str, end: str = r"tokens?(, \w+)?\n\n>$") -> str:
    """Ask; give what the screen shows from the question on."""
    before = screen.text.count("\n")
    screen.type(f"{question}\r")
    screen.wait_for(rf"(?s)\A(?:[^\n]*\n){{{before + 1}}}.*{end}")
    return "\n".join(screen.text.split("\n")[before + 1 :])


def test_markdown_is_drawn_and_told_how_fast_it_came(chat: Chat) -> None:
    screen = chat()
    seen = ask(screen, "markdown")
    lines = [line.strip() for line in seen.split("\n")]
    assert lines[:-3] == ["Title", "", "Some bold text.", "", "• one", "• two", "", "x = 1"]
    assert re.fullmatch(r"first token after \d+\.\d\d s(, \d+ tokens/s)?, 2 tokens", lines[-3])
    assert b"\x1b[1mbold" in screen.raw
    screen.type("\x04")
    assert screen.end() == 0


def test_an_answer_taller_than_the_screen_scrolls_away_line_by_line_and_once(chat: Chat) -> None:
    seen = ask(chat(rows=8), "tall")
    assert re.findall(r"item (\d+)", seen) == [str(number) for number in range(100)]


def test_a_screen_that_changes_its_size_shows_all_of_an_answer(chat: Chat) -> None:
    screen = chat(columns=60, rows=12)
    screen.type("long\r")
    for columns, rows in ((30, 12), (70, 6), (40, 20)):
        last = int(screen.wait_for(r"(?s).*word(\d+)")[1])
        screen.resize(columns, rows)
        screen.wait_for(rf"word{last + 5}\b")
    screen.type("\x03")
    screen.wait_for(r"stopped")
    numbers = [int(number) for number in re.findall(r"word(\d+)", screen.text)]
    assert set(numbers) == set(range(max(numbers) + 1))
    assert max(map(len, screen.lines())) <= 70


def test_reasoning_is_seen_and_then_folded_to_a_line(chat: Chat) -> None:
    screen = chat()
    screen.type("think\r")
    screen.wait_for("so many thoughts")
    screen.wait_for(r"42 tokens\n\n>$")
    assert "so many" not in screen.text.replace("\n> think", "")
    found = re.findall(r"thought for \d+\.\d s, about (\d+) words\n+(.*)", screen.text)
    assert found == [("62", "the answer"), ("2", "and more")]


def test_the_results_of_tool_calls_are_asked_for(chat: Chat) -> None:
    screen = chat()
    screen.type("tool\r")
    screen.wait_for(r'calls look_one \{"city": "Lisbon"\}\ncalls look_two \{"city": "Lisbon"\}\n.*tokens\n')
    for name, result in (("one", "sunny"), ("two", "")):
        screen.wait_for(rf"result of look_{name} \(empty: none\)>")
        screen.type(f"{result}\r")
    screen.wait_for(r"\none=sunny\n")
    screen.wait_for(r"token\n\n>$")
    screen.type("tool\r")
    screen.wait_for(r"(?s)sunny.*result of look_one \(empty: none\)>$")
    screen.type("\r")
    screen.wait_for(r"(?s)sunny.*result of look_two \(empty: none\)>$")
    screen.type("\x03")
    screen.wait_for(r"(?s)sunny\n.*look_two \(empty: none\)>\n>$")
    assert "show" in ask(screen, "show")


def test_a_hostile_program_moves_no_cursor_and_clears_nothing(chat: Chat) -> None:
    screen = chat(columns=100)
    first = screen.lines()[0]
    screen.type("hostile\r")
    screen.wait_for(r"result of name\ufffd\[2J next")
    assert screen.lines()[0] == first
    text = screen.text
    assert "X Y" in text
    assert "<b>tag</b> [red]markup[/]" in text
    after = screen.raw[screen.raw.rindex(b"Talking") :]
    for command in (b"\x1b]", b"\x1b[2J", b"\x1b[?1049h", b"\x9b", "\u202e".encode(), "\u2066".encode(), b"\x07"):
        assert command not in after, command


def test_ctrl_c_stops_the_answer_and_its_program_and_not_the_chat(chat: Chat, tmp_path: Path) -> None:
    screen = chat()
    screen.type("long\r")
    screen.wait_for("word9")
    stopped = time.time()
    screen.type("\x03")
    screen.wait_for(r"stopped\n\n>$", 2)
    until = time.monotonic() + 5
    while not (tmp_path / "left").exists() and time.monotonic() < until:
        time.sleep(0.01)
    assert float((tmp_path / "left").read_text()) - stopped < 1
    assert "session: True" in ask(screen, "leader")  # else Ctrl-C would end its process, too, in a while
    assert "word9" in ask(screen, "show")  # what came is part of the conversation
    screen.type("none\r")
    screen.wait_for("…")
    screen.type("\x03")
    screen.wait_for(r"> none\nstopped\n\n>$")
    assert "none" not in ask(screen, "show").replace("> show", "")  # nothing came of that


def test_a_tool_call_that_was_stopped_has_no_result(chat: Chat) -> None:
    screen = chat()
    screen.type("unfinished\r")
    screen.wait_for(r'calls look \{"city')
    screen.type("\x03")
    screen.wait_for(r"stopped\n\n>$")
    assert "['show']" in ask(screen, "show")


def test_ctrl_c_twice_at_an_empty_prompt_ends_the_chat(chat: Chat) -> None:
    screen = chat()
    screen.type("half a line")
    screen.wait_for("half a line")
    screen.type("\x03")
    screen.wait_for(r"half a line\n>$")
    screen.type("\x03")
    screen.wait_for("Ctrl-C again, or Ctrl-D, ends the chat")
    assert "talker: hi" in ask(screen, "hi")
    screen.type("\x03")
    screen.wait_for(r"(?s)again.*again.*>$")
    screen.type("\x03")
    assert screen.end() == 0


def test_a_failure_is_told_and_the_chat_goes_on(chat: Chat) -> None:
    screen = chat()
    ask(screen, "print")
    seen = ask(screen, "fail", r"printed on the way\n>$")
    assert seen.startswith("half an answer\n")
    assert "printed in peace" not in screen.text
    assert re.search(r"mserve: ValueError: no luck \(talker.py, line \d+, in serve\)", seen)
    assert "half an answer" in ask(screen, "show")
    assert "connection" in ask(screen, "die", "broke off\n>$")
    assert "nobody answers" in ask(screen, "hi", r"at http://\S+\n>$")
    assert "nobody answers" in ask(screen, "/model", r"at http://\S+\n>$")
    screen.process.send_signal(signal.SIGTERM)
    assert screen.end() == 128 + signal.SIGTERM


def test_several_lines_are_one_question(chat: Chat, tmp_path: Path) -> None:
    (state := tmp_path / "state" / "mserve").mkdir(parents=True)
    (state / "chat_history").write_text("of another chat\n")
    screen = chat()
    assert "talker: of another chat" in ask(screen, "\x1b[A")
    ask(screen, "one\\\rtwo")
    ask(screen, '"""a\rb\\\r\rc"""')
    ask(screen, '"""one"""')
    screen.type('"""x\r')
    screen.wait_for(r"\. $|\.$")
    screen.type("\x04")
    screen.wait_for(r"talker: x\n")
    screen.wait_for(r"token\n\n>$")
    screen.type("/save all.json\r")
    screen.wait_for("Written to all.json")
    said = json.loads(Path("all.json").read_text())["messages"]
    questions = [one["content"] for one in said if one["role"] == "user"]
    assert questions == ["of another chat", "one\ntwo", "a\nb\\\n\nc", "one", "x"]


def test_the_history_lasts_and_can_be_forgotten(chat: Chat, tmp_path: Path) -> None:
    screen = chat()
    ask(screen, "first")
    ask(screen, "second")
    screen.type("\x04")
    screen.end()
    file = tmp_path / "state" / "mserve" / "chat_history"
    assert file.read_text() == "first\nsecond\n"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    file.write_text("old\n" * 1500 + file.read_text())
    screen = chat()
    screen.type("\x1b[A\x1b[A\r")
    screen.wait_for("talker: first")
    assert len(file.read_text().splitlines()) == 1001
    screen.type("/forget\r")
    screen.wait_for("are deleted")
    screen.type("\x1b[A\x1b[A\r/quit\r")
    assert screen.end() == 0
    assert not file.exists() or file.read_text() == "/quit\n"


def test_a_history_that_cannot_be_kept_is_done_without(chat: Chat, tmp_path: Path) -> None:
    (state := tmp_path / "file").write_text("")
    screen = chat(XDG_STATE_HOME=str(state))
    assert "talker: hi" in ask(screen, "hi")
    screen.type("/forget\r/quit\r")
    assert screen.end() == 0


def test_lines_that_are_none_are_left_out_of_the_history(chat: Chat, tmp_path: Path) -> None:
    (state := tmp_path / "state" / "mserve").mkdir(parents=True)
    (state / "chat_history").write_bytes(b"whole\n\x00\x00\n")
    screen = chat()
    screen.type("\x1b[A\r")
    screen.wait_for("talker: whole")


def test_what_is_typed_may_hold_any_bytes(chat: Chat) -> None:
    screen = chat()
    screen.type("/system b\udcff\r")
    screen.wait_for(r"\nb\ufffd\n")
    assert "['b\ufffd', 'show']" in ask(screen, "show")


def test_commands_change_the_conversation(chat: Chat, tmp_path: Path) -> None:
    screen = chat()
    for command, told in {
        "/modle": "there is no command /modle: did you mean /model",
        "/zzz": "there is no command /zzz: /help lists them",
        "/model": r"\n\* talker\n",
        "/model talkr": "there is no model talkr: did you mean talker",
        "/model zzz": "there is no model zzz: /model lists them",
        "/model talker": r"Talking to talker\.\n",
        "/retry": "nothing was asked yet",
        "/undo": "Nothing was asked yet",
        "/system": "nothing stands before the conversation",
        "/system Be brief.": r"\nBe brief\.\n",
        "/help": r"/quit +end the chat",
        " /etc": "talker:  /etc",
        "/undo\r": "Taken back: /etc",
    }.items():
        screen.type(f"{command}\r")
        screen.wait_for(f"{told}")
    assert "['Be brief.', 'show']" in ask(screen, "show")
    assert "['Be brief.', 'show']" in ask(screen, "/retry")
    screen.type("/save talk.md\r")
    screen.wait_for(r"Written to talk\.md")
    text = (tmp_path / "talk.md").read_text()
    assert text.startswith("# A chat with talker\n\n## system\n\nBe brief.\n\n## user\n\nshow\n\n## assistant\n\n[")
    screen.type("/save talk.md\r")
    screen.wait_for(r"talk\.md is there already: /save! replaces it")
    screen.type("/new\r/system -\r/save! talk.md\r/save gone/x\r/save ~gone/x\r/save! .\r/save\r")
    screen.wait_for(r"> /save gone/x\nmserve: gone/x cannot be written: there is no folder gone\n")
    screen.wait_for(r"~gone/x cannot be written: there is no folder ~gone\n")
    screen.wait_for(r"\. cannot be written: is a directory\n")
    screen.wait_for(r"Written to chat-\d{8}-\d{6}\.md")
    assert (tmp_path / "talk.md").read_text() == "# A chat with talker\n"
    assert "['show']" in ask(screen, "show")
    screen.type("/quit\r")
    assert screen.end() == 0


def test_tool_calls_are_saved_as_they_were(chat: Chat, tmp_path: Path) -> None:
    screen = chat()
    screen.type("tool\r")
    screen.wait_for(r"look_one \(empty: none\)>")
    screen.type("``` sunny\r")
    screen.wait_for(r"look_two \(empty: none\)>")
    screen.type("\r")
    screen.wait_for(r"token\n\n>$")
    screen.type("/save a.json\r/save a.md\r")
    screen.wait_for(r"Written to a\.md")
    messages = json.loads((tmp_path / "a.json").read_text())["messages"]
    assert [one["role"] for one in messages] == ["user", "assistant", "tool", "assistant"]
    (call,) = messages[1]["tool_calls"]
    function = {"name": "look_one", "arguments": '{"city": "Lisbon"}'}
    assert call == {"id": "one", "type": "function", "function": function}
    assert messages[2] == {"role": "tool", "tool_call_id": "one", "content": "``` sunny"}
    text = (tmp_path / "a.md").read_text()
    assert 'calls `look_one`:\n\n```\n{"city": "Lisbon"}\n```\n\n## tool\n\n````\n``` sunny\n````\n' in text


def test_a_custom_tools_call_is_shown_answered_and_saved(chat: Chat, tmp_path: Path) -> None:
    screen = chat()
    screen.type("custom\r")
    screen.wait_for(r"calls grep two words\n(.*\n)+result of grep \(empty: none\)>$")
    screen.type("three\r")
    screen.wait_for(r"two words gave three\n")
    screen.wait_for(r"token\n\n>$")
    screen.type("/save a.json\r/save a.md\r")
    screen.wait_for(r"Written to a\.md")
    (call,) = json.loads((tmp_path / "a.json").read_text())["messages"][1]["tool_calls"]
    assert call == {"id": "c", "type": "custom", "custom": {"name": "grep", "input": "two words"}}
    assert "calls `grep`:\n\n```\ntwo words\n```\n" in (tmp_path / "a.md").read_text()


def test_tools_are_offered_shown_and_taken_away(chat: Chat, tmp_path: Path) -> None:
    tools = [{"type": "function", "function": {"name": name, "description": "Looks."}} for name in ("one", "two")]
    (tmp_path / "all.json").write_text(json.dumps(tools))
    (tmp_path / "one.json").write_text(json.dumps(tools[:1]))
    screen = chat("talker.py", "--tools", "all.json")
    assert "['one', 'two']" in ask(screen, "offered")
    screen.type("/tools one.json\r")
    screen.wait_for(r"\none: Looks\.\n>$")
    assert "['one']\n" in ask(screen, "offered")
    screen.type("/tools talker.py\r")
    screen.wait_for(r"mserve: talker\.py cannot be taken for a list of tools: ")
    screen.type("/tools\r")
    screen.wait_for(r"/tools\none: Looks\.\n>$")
    screen.type("/tools -\r")
    screen.wait_for(r"no tools are offered")
    assert "None\n" in ask(screen, "offered")


def test_what_is_typed_during_an_answer_is_seen_at_the_next_prompt(chat: Chat) -> None:
    screen = chat()
    screen.type("think\r")
    screen.wait_for("so many")
    screen.type("early")
    screen.wait_for(r"42 tokens\n\n> early$")
    assert screen.raw.index(b"early") > screen.raw.index(b"42 tokens")


def test_a_terminal_without_lines_to_edit_does(chat: Chat, tmp_path: Path) -> None:
    """As where Python has neither."""
    for name in ("readline", "termios"):
        (tmp_path / f"{name}.py").write_text("raise ImportError\n")
    screen = chat(PYTHONPATH=os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    assert "talker: hi" in ask(screen, "hi", r"token\n\n>\s*$")
    while "Ctrl-C again" not in screen.text:  # one that comes before it waits is overlooked
        screen.type("\x03")
        time.sleep(0.2)
    screen.type("/forget\r")
    screen.wait_for("deleted")
    screen.type("\x04")
    assert screen.end() == 0


def test_a_terminal_that_cannot_go_back_gets_plain_text(chat: Chat) -> None:
    screen = chat(TERM="dumb")
    screen.type("markdown\r")
    screen.wait_for(r"(?s)# Title\n\nSome \*\*bold\*\* text\..*x = 1\n```\n>")
    assert b"\x1b[2K" not in screen.raw
