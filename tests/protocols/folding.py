"""Joins streams as clients do that know nothing of us, and puts whole replies into the same form."""

import base64
import json
from typing import Any

END = "[DONE]"
_MARKS = ("id", "object", "created", "model", "service_tier", "usage", "error")


def data(stream: bytes) -> list[str]:
    """Give the data of each event, read as the strictest and the sloppiest clients do."""
    assert stream.endswith(b"\n\n")
    frames = stream.decode().removesuffix("\n\n").split("\n\n")
    assert all(len(frame.splitlines()) == 1 and frame.startswith("data: ") for frame in frames)
    return [frame.removeprefix("data: ") for frame in frames]


def values(stream: bytes) -> list[Any]:
    """Give the JSON values of a stream that is whole."""
    *said, end = data(stream)
    assert end == END
    assert END not in said
    return [json.loads(value) for value in said]


def choices(stream: bytes) -> list[Any]:
    """Give the choices of all chunks."""
    return [choice for value in values(stream) for choice in value.get("choices", [])]


def fold(stream: bytes) -> dict[str, Any]:
    """Join a stream of either wire; the choices come by their number."""
    folded: dict[str, Any] = {"choices": {}}
    for value in values(stream):
        folded.update({key: value[key] for key in _MARKS if key in value})
        for choice in value.get("choices", []):
            said = folded["choices"].setdefault(choice["index"], _nothing())
            _fold_choice(said, choice)
    return _settled(folded)


def as_folded(body: bytes) -> dict[str, Any]:
    """Give a whole reply of either wire in the form of a folded one."""
    reply = json.loads(body)
    folded: dict[str, Any] = {key: reply[key] for key in _MARKS if key in reply}
    folded["choices"] = {choice["index"]: _whole_choice(choice) for choice in reply["choices"]}
    folded["object"] = {"chat.completion": "chat.completion.chunk"}.get(reply["object"], reply["object"])
    return _settled(folded)


def _nothing() -> dict[str, Any]:
    return {
        **dict.fromkeys(("role", "content", "refusal", "reasoning_content", "reasoning", "text"), ""),
        "tool_calls": [],
        "function_call": None,
        "annotations": [],
        "audio": None,
        "logprobs": None,
        "finish_reason": None,
    }


def _fold_choice(said: dict[str, Any], choice: dict[str, Any]) -> None:
    assert said["finish_reason"] is None
    said["finish_reason"] = choice["finish_reason"]
    if choice.get("logprobs") is not None:
        said["logprobs"] = _joined_lists(said["logprobs"], choice["logprobs"])
    said["text"] += choice.get("text", "")
    for key, piece in choice.get("delta", {}).items():
        if key == "tool_calls":
            _fold_calls(said["tool_calls"], piece)
        elif key in ("audio", "function_call"):
            said[key] = _joined_texts(said[key], piece)
        else:  # texts and lists
            said[key] += piece


def _fold_calls(calls: list[Any], pieces: list[Any]) -> None:
    for piece in pieces:
        if piece["index"] == len(calls):
            calls.append({key: value for key, value in piece.items() if key != "index"})
            assert {"id", "type", piece["type"]} == calls[-1].keys()
            continue
        kind = calls[piece["index"]]["type"]
        assert piece.keys() == {"index", kind}
        calls[piece["index"]][kind] = _joined_texts(calls[piece["index"]][kind], piece[kind])


def _joined_texts(before: dict[str, Any] | None, piece: dict[str, Any]) -> dict[str, Any]:
    """Join texts key by key, ids and numbers too, as OpenAI's SDKs do: so each of these comes only once."""
    return piece if before is None else {key: _sum(before.get(key), piece.get(key)) for key in before | piece}


def _joined_lists(before: dict[str, Any] | None, piece: dict[str, Any]) -> dict[str, Any]:
    return piece if before is None else {key: _sum(before[key], piece[key]) for key in piece}


def _sum(before: Any, more: Any) -> Any:
    return more if before is None else before if more is None else before + more


def _whole_choice(choice: dict[str, Any]) -> dict[str, Any]:
    message = choice.get("message", {})
    texts = {key: value for key, value in message.items() if value is not None}
    return _nothing() | texts | {key: choice[key] for key in ("text", "logprobs", "finish_reason") if key in choice}


def _settled(folded: dict[str, Any]) -> dict[str, Any]:
    for choice in folded["choices"].values():
        if choice["audio"] is not None:
            audio = {"data": "", "transcript": ""} | choice["audio"]
            choice["audio"] = audio | {"data": base64.b64decode(audio["data"], validate=True)}
    return folded
