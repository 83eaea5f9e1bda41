"""Streams of a real server: what comes, when, and how it ends."""

import json
import time
from collections.abc import Iterator
from itertools import islice, pairwise
from typing import Any

import httpx
import pytest

PING = ": ping"


def stream(client: httpx.Client, prompt: str, **fields: Any) -> Iterator[tuple[float, str]]:
    """Give each line that is not blank, with the seconds since the request."""
    body = {"messages": [{"role": "user", "content": prompt}], "stream": True, **fields}
    started = time.monotonic()
    with client.stream("POST", "/chat/completions", json=body) as reply:
        assert reply.status_code == 200, reply.read()
        assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert reply.headers["cache-control"] == "no-cache, no-transform"
        assert reply.headers["x-accel-buffering"] == "no"
        for line in reply.iter_lines():
            if line:
                yield time.monotonic() - started, line


def lines(client: httpx.Client, prompt: str, **fields: Any) -> list[str]:
    return [line for _, line in stream(client, prompt, **fields)]


def data(line: str) -> Any:
    return json.loads(line.removeprefix("data: "))


def test_frames_arrive_one_by_one(client: httpx.Client) -> None:
    times = [at for at, line in stream(client, "slow") if '"content"' in line]
    assert len(times) == 5
    assert times[0] < times[-1] - 0.25
    assert min(later - earlier for earlier, later in pairwise(times)) > 0.05


def test_a_stream_has_the_role_its_words_a_finish_and_an_end(client: httpx.Client) -> None:
    *chunks, done = lines(client, "echo hello", model="m")
    assert done == "data: [DONE]"
    choices = [data(chunk)["choices"][0] for chunk in chunks]
    assert [choice["delta"] for choice in choices] == [{"role": "assistant"}, {"content": "hello"}, {}]
    assert [choice["finish_reason"] for choice in choices] == [None, None, "stop"]
    assert len({(data(c)["id"], data(c)["created"], data(c)["model"]) for c in chunks}) == 1


def test_usage_comes_only_when_asked_in_a_chunk_of_its_own(client: httpx.Client) -> None:
    assert not any("usage" in line for line in lines(client, "usage"))
    *_, last, _done = lines(client, "usage", stream_options={"include_usage": True})
    assert data(last)["choices"] == []
    assert data(last)["usage"]["total_tokens"] == 9


@pytest.mark.parametrize("prompt", ["fail-late", "fail-after-grace"])
def test_a_failure_after_the_first_byte_is_framed_and_ends_the_stream(client: httpx.Client, prompt: str) -> None:
    *before, error, done = lines(client, prompt)
    assert done == "data: [DONE]"
    assert data(error)["error"]["code"] == "program_error"
    assert "secret" not in error
    assert not any('"finish_reason":"' in line for line in before)


def test_a_program_without_a_word_streams_an_empty_reply(client: httpx.Client) -> None:
    deltas = [data(line)["choices"][0]["delta"] for line in lines(client, "nothing")[:-1]]
    assert deltas == [{"role": "assistant"}, {}]


def test_comments_come_from_the_end_of_the_grace_on_and_the_role_waits_for_the_first_word(client: httpx.Client) -> None:
    seen = list(stream(client, "late"))
    texts = [line for _, line in seen]
    first = next(number for number, line in enumerate(texts) if line.startswith("data"))
    assert set(texts[:first]) == {PING}
    assert first >= 3
    assert 0.2 < seen[0][0] < 0.6
    assert data(texts[first])["choices"][0]["delta"] == {"role": "assistant"}


def test_a_program_that_hangs_is_heard_of_until_its_client_leaves(client: httpx.Client) -> None:
    assert [line for _, line in islice(stream(client, "hang"), 4)] == [PING] * 4
    assert lines(client, "echo still here")[-1] == "data: [DONE]"


def test_what_no_client_sees_is_silence(client: httpx.Client) -> None:
    seen = lines(client, "counts", stream_options={"include_usage": True})
    assert seen.count(PING) >= 3
    assert data(seen[-2])["usage"]["total_tokens"] == 50


def test_one_connection_serves_many_requests(client: httpx.Client) -> None:
    for _ in range(3):
        assert lines(client, "echo a")[-1] == "data: [DONE]"
        assert client.get("/models").status_code == 200


def test_a_line_separator_never_splits_a_frame(client: httpx.Client) -> None:
    text = "a\u2028b\u2029c\u0085d\r\ne"
    body = {"messages": [{"role": "user", "content": f"echo {text}"}], "stream": True}
    raw = client.post("/chat/completions", json=body).text
    frames = raw.split("\n\n")
    assert all(len(frame.splitlines()) == 1 for frame in frames[:-1])
    assert data(frames[1])["choices"][0]["delta"]["content"] == text


def test_a_long_text_comes_in_several_frames(client: httpx.Client) -> None:
    text = "\u20ac" * 30_000
    parts = [data(line)["choices"][0]["delta"].get("content", "") for line in lines(client, f"echo {text}")[:-1]]
    assert "".join(parts) == text
    assert len([part for part in parts if part]) > 1
