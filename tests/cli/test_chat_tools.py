"""The file of tools that a chat offers: what is taken for one, and why another is not."""

from pathlib import Path

import pytest

from mserve.cli.chat.tools import read_tools, told_of
from mserve.errors import MserveError


def test_the_tools_of_a_file_are_sent_as_they_are_and_told_by_their_names(tmp_path: Path) -> None:
    (file := tmp_path / "tools.json").write_text(
        """[{"type": "function", "more": [1], "function": {"name": "a", "description": "b\\u001b\\nc"}},
            {"type": "custom", "custom": {"name": "d"}}, {"type": "web_search"}]"""
    )
    tools = read_tools(str(file))
    function = {"name": "a", "description": "b\x1b\nc"}
    assert tools[0] == {"type": "function", "more": [1], "function": function}
    assert told_of(tools) == ["a: b\ufffd c", "d", "web_search"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{}", "Expected `array`, got `object`"),
        ("[]", "it has none"),
        ("[1]", "Expected `object`, got `int` - at `$[0]`"),
        ('[{"function": {"name": "a"}}]', "missing required field `type`"),
        ('[{"type": "function", "name": "a"}]', "a tool of type function lacks its function"),
        ('[{"type": "custom", "function": {"name": "a"}}]', "a tool of type custom lacks its custom"),
        ('[{"type": "function", "function": {}}]', "missing required field `name`"),
        ('[{"type": "x", "n": NaN}]', "JSON is malformed"),
        ('[{"type": "x", "n": "\\ud83d, half"}]', "surrogate"),
        ("[" * 100_000, "too deep"),
        ("", "data was truncated"),
    ],
)
def test_what_is_no_list_of_tools_is_refused_in_words(tmp_path: Path, text: str, why: str) -> None:
    (file := tmp_path / "tools.json").write_text(text)
    with pytest.raises(MserveError) as told:
        read_tools(str(file))
    assert str(told.value).startswith(f"{file} cannot be taken for a list of tools: ")
    assert why in str(told.value)


@pytest.mark.parametrize(
    ("name", "why"),
    [("none\x1b.json", "no such file"), ("no/x.json", "there is no folder no"), (".", "is a directory")],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(name: str, why: str) -> None:
    with pytest.raises(MserveError, match=why) as told:
        read_tools(name)
    assert "\x1b" not in str(told.value)
