"""Reads streams of responses as clients do that know nothing of us, and folds them into the items that they tell of."""

import json
from collections.abc import Iterable
from typing import Any

ENDS = {"response.completed", "response.incomplete", "response.failed"}


def frames(stream: bytes) -> list[bytes]:
    """Cut a stream into its frames."""
    assert stream == b"" or stream.endswith(b"\n\n")
    return [frame + b"\n\n" for frame in stream.split(b"\n\n")[:-1]]


def events(stream: bytes) -> list[Any]:
    """Give the events of a stream, each of three lines, whoever splits them."""
    said = []
    for frame in frames(stream):
        event, number, data, blank = frame.decode().splitlines(keepends=True)
        value = json.loads(data.removeprefix("data: "))
        assert (event, number, blank) == (f"event: {value['type']}\n", f"id: {value['sequence_number']}\n", "\n")
        said.append(value)
    return said


class Folding:
    """What a client has that believes in pieces alone: it looks at the final object no more than to compare."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._open: set[tuple[int, ...]] = set()

    def take(self, event: dict[str, Any]) -> None:
        """Take the next event, which has to come in order."""
        name = event["type"].removeprefix("response.")
        if name == "output_item.added":
            assert event["output_index"] == len(self.items)
            assert event["item"]["status"] == "in_progress"
            self.items.append(event["item"])
            self._open.add((event["output_index"],))
        elif name == "output_item.done":
            number = event["output_index"]
            assert self._open & {place for place in self._open if place[0] == number} == {(number,)}
            self._open.remove((number,))
            assert _bare(self.items[number], ("annotations",)) == _bare(event["item"], ("annotations",))
            self.items[number] = event["item"]
        else:
            item = self.items[event["output_index"]]
            assert item["id"] == event["item_id"]
            assert (event["output_index"],) in self._open
            what, _, step = name.rpartition(".")
            getattr(self, f"_{what.replace('.', '_')}")(item, step, event)

    def _content_part(self, item: dict[str, Any], step: str, event: dict[str, Any]) -> None:
        parts = item.setdefault("content", [])
        place = (event["output_index"], event["content_index"])
        if step == "added":
            assert event["content_index"] == len(parts)
            parts.append(event["part"])
            self._open.add(place)
        else:
            assert parts[event["content_index"]] == event["part"]
            self._open.remove(place)

    def _reasoning_summary_part(self, item: dict[str, Any], step: str, event: dict[str, Any]) -> None:
        place = (event["output_index"], event["summary_index"])
        if step == "added":
            assert event["summary_index"] == len(item["summary"])
            item["summary"].append(event["part"])
            self._open.add(place)
        else:
            assert item["summary"][event["summary_index"]] == event["part"]
            self._open.remove(place)

    def _output_text(self, item: dict[str, Any], step: str, event: dict[str, Any]) -> None:
        part = self._part(item["content"], event, event["content_index"])
        self._texts(part, "text", step, event)
        if step == "done":
            part["logprobs"] = event["logprobs"]

    def _output_text_annotation(self, item: dict[str, Any], step: str, event: dict[str, Any]) -> None:
        part = self._part(item["content"], event, event["content_index"])
        assert (step, event["annotation_index"]) == ("added", len(part["annotations"]))
        part["annotations"].append(event["annotation"])

    def _refusal(self, item: dict[str, Any], step: str, event: dict[str, Any]) -> None:
        self._texts(self._part(item["content"], event, event["content_index"]), "refusal", step, event)

    def _reasoning_text(self, item: dict[str, Any], step: str, event: dict[str, Any]) -> None:
        self._texts(self._part(item["content"], event, event["content_index"]), "text", step, event)

    def _reasoning_summary_text(self, item: dict[str, Any], step: str, event: dict[str, Any]) -> None:
        self._texts(self._part(item["summary"], event, event["summary_index"]), "text", step, event)

    def _function_call_arguments(self, item: dict[str, Any], step: str, event: dict[str, Any]) -> None:
        assert event.get("name", item["name"]) == item["name"]
        self._texts(item, "arguments", step, event)

    def _custom_tool_call_input(self, item: dict[str, Any], step: str, event: dict[str, Any]) -> None:
        self._texts(item, "input", step, event)

    def _part(self, parts: list[Any], event: dict[str, Any], number: int) -> Any:
        assert (event["output_index"], number) in self._open
        return parts[number]

    def _texts(self, value: dict[str, Any], key: str, step: str, event: dict[str, Any]) -> None:
        if step == "delta":
            value[key] += event["delta"]
        else:
            assert (step, value[key]) == ("done", event[key])

    @property
    def is_whole(self) -> bool:
        """Whether all that was begun was ended."""
        return not self._open


def fold(said: Iterable[dict[str, Any]]) -> Folding:
    """Join the pieces between a response's first two events and its last."""
    folding = Folding()
    first, second, *between, last = said
    assert [first["type"], second["type"]] == ["response.created", "response.in_progress"]
    assert last["type"] in ENDS
    for event in between:
        folding.take(event)
    return folding


def told(items: list[Any]) -> list[Any]:
    """Leave out of a response's items what pieces need not tell: late notes, and of broken items how they ended."""
    return [_bare(item, ("annotations", "logprobs")) for item in items]


def _bare(item: dict[str, Any], aside: tuple[str, ...]) -> dict[str, Any]:
    bare = {key: value for key, value in item.items() if key != "status" and (key, value) != ("content", [])}
    if "content" in bare:
        bare["content"] = [{key: part[key] for key in part if key not in aside} for part in bare["content"]]
    return bare
