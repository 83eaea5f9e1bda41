"""A conversation in this protocol's items, and in the messages that programs read."""

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from typing import Any

from .request_schema import kind_of

Item = dict[str, Any]
Message = dict[str, Any]


def messages_of(items: Iterable[Item]) -> list[Message]:
    """Give the messages that items are; items of a type that messages have no place for are left out."""
    messages: list[Message] = []
    thought = ""
    for item in items:
        match kind(item):
            case "message":
                _say(messages, _message(item))
            case "function_call":
                function = {"name": item["name"], "arguments": item["arguments"]}
                _calling(messages)["tool_calls"].append(
                    {"id": item["call_id"], "type": "function", "function": function}
                )
            case "custom_tool_call":
                custom = {"name": item["name"], "input": item["input"]}
                _calling(messages)["tool_calls"].append({"id": item["call_id"], "type": "custom", "custom": custom})
            case "function_call_output" | "custom_tool_call_output":
                content = _content(item["output"])
                messages.append({"role": "tool", "tool_call_id": item["call_id"], "content": content})
            case "reasoning":
                thought += _thought(item)
                continue
            case _:
                continue
        last = messages[-1]
        if thought and last["role"] == "assistant":
            last["reasoning_content"] = last.get("reasoning_content", "") + thought
        thought = ""  # one that no answer followed is nobody's
    return messages


def items_of(messages: Iterable[Message]) -> Iterator[Item]:
    """Give the items that messages of chat completions are."""
    for message in messages:
        role, content = message["role"], message.get("content")
        if role in ("tool", "function"):
            call = message.get("tool_call_id") or message.get("name") or ""
            yield {"type": "function_call_output", "call_id": call, "output": _parts(content, "input_text")}
            continue
        thought = message.get("reasoning_content")
        if thought and isinstance(thought, str):  # unknown keys are not checked
            yield {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": thought}]}
        is_answer = role == "assistant"
        parts = _parts(content, "output_text" if is_answer else "input_text") if content or not is_answer else []
        if message.get("refusal"):
            parts.append({"type": "refusal", "refusal": message["refusal"]})
        if parts or not is_answer:
            yield {"type": "message", "role": role, "content": parts}
        for call in _calls(message):
            yield from _call(call)


def listed(items: Iterable[Item], ids: Iterator[str]) -> list[Item]:
    """Give items as lists of them have it: each with its type, its id and its status, and a message in parts."""
    return [_listed(item, next(ids)) for item in items]


def kind(item: Item) -> str:
    """Give an item's type, said or not."""
    return kind_of(item.get("type"), has_role=item.get("role") is not None, has_id=item.get("id") is not None)


def _message(item: Item) -> Message:
    content = item["content"]
    if item["role"] != "assistant":
        return {"role": item["role"], "content": _content(content)}
    if isinstance(content, str):
        return {"role": "assistant", "content": content}
    message: Message = {"role": "assistant", "content": "".join(part.get("text") or "" for part in content)}
    refusal = "".join(part.get("refusal") or "" for part in content)
    return message | ({"refusal": refusal} if refusal else {})


def _say(messages: list[Message], message: Message) -> None:
    """Add a message. What the assistant says beside its calls is one with them: their results have to follow them."""
    last = messages[-1] if messages else {}
    if message["role"] == "assistant" and last.get("tool_calls") and last["content"] is None:
        last.update(message)
    else:
        messages.append(message)


def _calling(messages: list[Message]) -> Message:
    """Give the message of the assistant that a call belongs to."""
    if not (messages and messages[-1]["role"] == "assistant"):
        messages.append({"role": "assistant", "content": None})
    messages[-1].setdefault("tool_calls", [])
    return messages[-1]


def _content(content: str | Sequence[Item]) -> str | list[Item]:
    """Give a message's content as chat completions spells it: a single text is one."""
    if isinstance(content, str):
        return content
    if len(content) == 1 and content[0]["type"] in ("input_text", "output_text"):
        return str(content[0]["text"])
    return [_part(part) for part in content]


def _part(part: Item) -> Item:
    match part["type"]:
        case "input_text" | "output_text":
            return {"type": "text", "text": part["text"]}
        case "input_image" if part.get("image_url") is not None:
            detail = {"detail": part["detail"]} if part.get("detail") is not None else {}
            return {"type": "image_url", "image_url": {"url": part["image_url"], **detail}}
        case "input_file":
            return {"type": "file", "file": {name: value for name, value in deepcopy(part).items() if name != "type"}}
        case _:
            return deepcopy(part)  # a program may change what it gets


def _thought(item: Item) -> str:
    parts = item.get("content") or item.get("summary") or ()
    return parts if isinstance(parts, str) else "".join(part.get("text") or "" for part in parts)


def _calls(message: Message) -> Sequence[Item]:
    """Give the calls of a message, or that of the older API: its result is found by the function's name."""
    older = message.get("function_call")
    return message.get("tool_calls") or ([{"id": older["name"], "function": older}] if older else ())


def _call(call: Item) -> Iterator[Item]:
    """Give a call of a type that there is here."""
    for what, kind, given in (("function", "function_call", "arguments"), ("custom", "custom_tool_call", "input")):
        if (called := call.get(what)) is not None:
            yield {
                "type": kind,
                "call_id": call["id"],
                "name": called.get("name") or "",
                given: called.get(given) or "",
            }


def _parts(content: str | Sequence[Item] | None, text: str) -> list[Item]:
    """Give a content as this protocol spells it."""
    if content is None or isinstance(content, str):
        return [{"type": text, "text": content or ""}]
    return [_as_input(part, text) for part in content]


def _as_input(part: Item, text: str) -> Item:
    match part["type"]:
        case "text":
            return {"type": text, "text": part["text"]}
        case "image_url":
            url = part["image_url"]
            return {"type": "input_image", "image_url": url["url"], "detail": url.get("detail") or "auto"}
        case "file":
            return {**part["file"], "type": "input_file"}
        case _:
            return part


_PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
}
_LONGEST_ID = 512
"""Characters of an id that items are found by; OpenAI's own have some 60."""


def _listed(item: Item, name: str) -> Item:
    what = kind(item)
    whole: Item = {**item, "type": what}
    sent = item.get("id")  # of a type that is not known here, whatever its client likes
    is_name = isinstance(sent, str) and 0 < len(sent) <= _LONGEST_ID
    whole["id"] = sent if is_name else f"{_PREFIXES.get(what, 'item')}_{name}"
    whole["status"] = item.get("status") or "completed"
    if what == "reasoning":
        whole["summary"] = item.get("summary") or []
    if what == "message":
        is_answer = item["role"] == "assistant"
        content = item["content"]
        if isinstance(content, str):
            content = [{"type": "output_text" if is_answer else "input_text", "text": content}]
        whole["content"] = [_whole_part(part) for part in content]
    return whole


def _whole_part(part: Item) -> Item:
    """Add what strict clients look for in a part: a text's notes, and how closely an image was looked at."""
    if part["type"] == "output_text":
        return {"annotations": [], "logprobs": []} | part
    return {"detail": "auto"} | part if part["type"] == "input_image" else part
