"""Large and odd texts, to and from a real server: they come back letter by letter, or are a clear 4xx."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from processes import Serve

PROGRAM = r"""
import hashlib
import json

from mserve import ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStart

SPOKEN = {
    "halves": ["\ud83d", "\ude00"],
    "halves and more": ["a\ud83d", "\ude00b\ud83d", "\ude01"],
    "lone high": ["a", "\ud83d", "b"],
    "lone low": ["a\ude00b"],
    "high at the end": ["a\ud83d"],
    "two highs": ["\ud83d\ud83d", "\ude00"],
    "swapped": ["\ude00\ud83d"],
    "joined": ["\N{MAN}", "\u200d", "\N{WOMAN}", "\N{EMOJI MODIFIER FITZPATRICK TYPE-3}"],
    "separators": ["a\u2028", "\u2029b\u0085", "\r", "\n", "\r\n", "\x00\x0b\x0c\x1c\x1d\x1e\x7f"],
    "byte order": ["\ufeff", "\ufffe", "\uffff", "\U0010ffff"],
    "frames": ["data: [DONE]\n\n", ": ping\n\n", "event: x\ndata: {}\n\n"],
    "long emoji": ["\N{GRINNING FACE}" * 40_000],
}

async def serve(prompt, messages):
    if prompt in SPOKEN:
        for piece in SPOKEN[prompt]:
            yield piece
    elif prompt.startswith("reason "):
        for piece in SPOKEN[prompt[7:]]:
            yield ReasoningDelta(piece)
    elif prompt.startswith("call "):
        yield ToolCallStart("1", "f")
        for piece in SPOKEN[prompt[5:]]:
            yield ToolCallDelta("1", piece)
    elif prompt == "digest":
        text = json.dumps(messages[:-1]).encode()
        yield f"{len(messages) - 1} {hashlib.sha256(text).hexdigest()}"
    else:
        yield prompt
"""
LOST = "\ufffd"
HEARD = {
    "halves": "\N{GRINNING FACE}",
    "halves and more": "a\N{GRINNING FACE}b\N{GRINNING FACE WITH SMILING EYES}",
    "lone high": f"a{LOST}b",
    "lone low": f"a{LOST}b",
    "high at the end": f"a{LOST}",
    "two highs": f"{LOST}\N{GRINNING FACE}",
    "swapped": LOST * 2,
    "joined": "\N{MAN}\u200d\N{WOMAN}\N{EMOJI MODIFIER FITZPATRICK TYPE-3}",
    "separators": "a\u2028\u2029b\u0085\r\n\r\n\x00\x0b\x0c\x1c\x1d\x1e\x7f",
    "byte order": "\ufeff\ufffe\uffff\U0010ffff",
    "frames": "data: [DONE]\n\n: ping\n\nevent: x\ndata: {}\n\n",
    "long emoji": "\N{GRINNING FACE}" * 40_000,
}
ECHOED = [
    "",
    " ",
    "\x00",
    "\u2028\u2029\u0085",
    "\r\n\r\n",
    "data: [DONE]",
    "\ufeffa",
    "\ufffe\uffff\U0010ffff",
    "\N{MAN}\u200d\N{WOMAN}",
    "e\u0301 \u00e9",
    "\u202eabc",
    "\\u2028 \\ud800 \\",
    '"}],"finish_reason":"stop"',
    "\N{GRINNING FACE}" * 300_000,
    "x" * 1_000_000,
]


@pytest.fixture(scope="module")
def client(serve_module: Serve) -> Iterator[httpx.Client]:
    server = serve_module(PROGRAM)
    with httpx.Client(base_url=server.base_url, timeout=30) as client:
        yield client


def post(client: httpx.Client, messages: list[Any], *, stream: bool = False, escaped: bool = False) -> httpx.Response:
    body = json.dumps({"messages": messages, "stream": stream}, ensure_ascii=escaped).encode(errors="surrogatepass")
    return client.post("/chat/completions", content=body, headers={"content-type": "application/json"})


def user(content: Any) -> list[Any]:
    return [{"role": "user", "content": content}]


def frames_of(reply: httpx.Response) -> list[Any]:
    """The frames of a stream, as a reader of lines sees them: one line each, whichever kind of line it reads."""
    assert reply.status_code == 200
    *frames, done, rest = reply.content.split(b"\n\n")
    assert (done, rest) == (b"data: [DONE]", b"")
    assert all(len(frame.decode().splitlines()) == 1 for frame in frames)
    return [json.loads(frame.removeprefix(b"data: ")) for frame in frames]


def text_of(reply: httpx.Response, *, stream: bool, field: str = "content") -> str:
    if not stream:
        text: str = reply.json()["choices"][0]["message"][field]
        return text
    deltas = [frame["choices"][0]["delta"] for frame in frames_of(reply)]
    for delta in deltas:
        delta.get(field, "").encode()  # no half of a code point, in no frame
    return "".join(delta.get(field, "") for delta in deltas)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("escaped", [True, False])
@pytest.mark.parametrize("text", ECHOED, ids=range(len(ECHOED)))
def test_what_a_client_says_comes_back_letter_by_letter(
    client: httpx.Client, text: str, escaped: bool, stream: bool
) -> None:
    reply = post(client, user(text), stream=stream, escaped=escaped)
    assert reply.status_code == 200
    assert text_of(reply, stream=stream) == text


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("name", HEARD)
def test_what_a_program_says_is_whole_however_it_is_cut(client: httpx.Client, name: str, stream: bool) -> None:
    assert text_of(post(client, user(name), stream=stream), stream=stream) == HEARD[name]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("name", HEARD)
def test_what_a_program_thinks_and_calls_is_whole_too(client: httpx.Client, name: str, stream: bool) -> None:
    thought = post(client, user(f"reason {name}"), stream=stream)
    assert text_of(thought, stream=stream, field="reasoning_content") == HEARD[name]
    called = post(client, user(f"call {name}"), stream=stream)
    if stream:
        deltas = [frame["choices"][0]["delta"].get("tool_calls", []) for frame in frames_of(called)]
        arguments = [call["function"]["arguments"] for calls in deltas for call in calls]
    else:
        arguments = [call["function"]["arguments"] for call in called.json()["choices"][0]["message"]["tool_calls"]]
    assert "".join(arguments) == HEARD[name]


@pytest.mark.parametrize(
    "body",
    [
        b'{"messages": [{"role": "user", "content": "\\ud800"}]}',
        b'{"messages": [{"role": "user", "content": "\\ud83d\\ud83d\\ude00"}]}',
        b'{"messages": [{"role": "user", "content": "\\ude00\\ud83d"}]}',
        b'{"messages": [{"role": "user", "content": "\xed\xa0\x80"}]}',
        b'{"messages": [{"role": "user", "content": "\xff"}]}',
        b'{"messages": [{"role": "user", "content": "\xc0\x80"}]}',
        b'{"messages": [{"role": "user", "content": "\xf4\x90\x80\x80"}]}',
        b'{"messages": [{"role": "user", "content": "\xf0\x9f\x98"}]}',
        b'{"messages": [{"role": "user", "content": "x"}], "\\udc00": 1}',
        b'{"messages": [{"role": "user", "content": "x"}], "metadata": {"a": "\\ud83d"}}',
        '{"messages": [{"role": "user", "content": "x"}]}'.encode("utf-16"),
        '\ufeff{"messages": [{"role": "user", "content": "x"}]}'.encode(),
    ],
    ids=range(12),
)
def test_what_is_no_text_is_a_400(client: httpx.Client, body: bytes) -> None:
    reply = client.post("/chat/completions", content=body, headers={"content-type": "application/json"})
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "invalid_json"
    reply.content.decode()


def test_a_pair_in_escapes_is_the_same_text_as_in_letters(client: httpx.Client) -> None:
    body = b'{"messages": [{"role": "user", "content": "\\ud83d\\ude00 \xf0\x9f\x98\x80"}]}'
    reply = client.post("/chat/completions", content=body, headers={"content-type": "application/json"})
    assert reply.json()["choices"][0]["message"]["content"] == "\N{GRINNING FACE} \N{GRINNING FACE}"


@pytest.mark.parametrize("escaped", [True, False])
def test_a_conversation_of_2000_messages_reaches_the_program_as_it_is(client: httpx.Client, escaped: bool) -> None:
    roles = ("user", "assistant", "system", "developer")
    messages: list[Any] = [
        {"role": roles[number % 4], "content": f"{number} \N{GRINNING FACE}\u2028 " * 20, "mine": {"a": [number, None]}}
        for number in range(2000)
    ]
    reply = post(client, [*messages, *user("digest")], escaped=escaped)
    digest = hashlib.sha256(json.dumps(messages).encode()).hexdigest()
    assert reply.json()["choices"][0]["message"]["content"] == f"2000 {digest}"


def test_a_message_of_many_parts_is_one_prompt(client: httpx.Client) -> None:
    parts = [{"type": "text", "text": f"{number}\N{GRINNING FACE}"} for number in range(5000)]
    reply = post(client, user(parts))
    assert reply.json()["choices"][0]["message"]["content"] == "\n".join(part["text"] for part in parts)


@pytest.mark.parametrize("model", ["\u2028", "\N{GRINNING FACE}" * 1000, "a\x00b", '"}', "data: x\n\n"])
def test_a_name_of_a_model_comes_back_as_it_is(client: httpx.Client, model: str) -> None:
    for stream in (True, False):
        body = {"model": model, "messages": user("hi"), "stream": stream}
        reply = client.post("/chat/completions", json=body)
        said = frames_of(reply) if stream else [reply.json()]
        assert {frame["model"] for frame in said} == {model}


@pytest.mark.parametrize("stop", ["\N{GRINNING FACE}", "\u2028", "\u0301"])
def test_a_stop_sequence_may_be_any_text(client: httpx.Client, stop: str) -> None:
    reply = client.post("/chat/completions", json={"messages": user(f"a{stop}b"), "stop": stop})
    assert reply.json()["choices"][0]["message"]["content"] == "a"


def test_what_is_nested_deeply_is_read_or_is_a_400(client: httpx.Client) -> None:
    for depth, status in ((50, {200}), (500, {200, 400}), (100_000, {400})):
        deep = b'{"messages": [{"role": "user", "content": "x"}], "mine": %b%b}' % (b"[" * depth, b"]" * depth)
        reply = client.post("/chat/completions", content=deep, headers={"content-type": "application/json"})
        assert reply.status_code in status
