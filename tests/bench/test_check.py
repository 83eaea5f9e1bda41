import json

import pytest

from benchmarks.check import Expected, Seen, WrongOutputError, check
from benchmarks.contenders.program import WORDS

THREE = Expected(tokens=3, stream=True)
WHOLE = Expected(tokens=3, stream=False)
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def frame(content: str | None, identity: str = "x") -> bytes:
    choice = {"index": 0, "delta": {} if content is None else {"content": content}, "finish_reason": None}
    return b"data: " + json.dumps({"id": identity, "choices": [choice]}).encode() + b"\n\n"


def chunked(*parts: bytes) -> bytes:
    return HEAD + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (*parts, b""))


def streamed(*words: str, done: bool = True) -> bytes:
    frames = [frame(""), *map(frame, words), frame(None), *([b"data: [DONE]\n\n"] if done else [])]
    return chunked(*frames)


def whole(text: str) -> bytes:
    reply = json.dumps({"choices": [{"message": {"content": text}}]}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(reply), reply)


def test_each_token_of_each_reply_is_counted() -> None:
    assert check(streamed(*WORDS[:3]) * 4, THREE) == Seen(replies=4, tokens=12)
    assert check(whole("".join(WORDS[:3])) * 4, WHOLE) == Seen(replies=4, tokens=12)


def test_frames_that_differ_around_their_tokens_are_read_one_by_one() -> None:
    frames = [frame(word, identity=word) for word in WORDS[:3]]
    assert check(chunked(*frames, b"data: [DONE]\n\n"), THREE) == Seen(replies=1, tokens=3)
    with pytest.raises(WrongOutputError, match="token 1 is"):
        check(chunked(frames[0], frames[2], b"data: [DONE]\n\n"), THREE)


def test_chunks_may_be_cut_anywhere() -> None:
    body = b"".join([*map(frame, WORDS[:3]), b"data: [DONE]\n\n"])
    assert check(chunked(body[:70], body[70:75], body[75:]), THREE) == Seen(replies=1, tokens=3)


@pytest.mark.parametrize("cut", range(0, len(streamed(*WORDS[:3])), 7))
def test_a_last_reply_that_is_cut_counts_as_far_as_it_came(cut: int) -> None:
    reply = streamed(*WORDS[:3])
    seen = check(reply + reply[:cut], THREE)
    assert seen == Seen(replies=1, tokens=3 + sum(frame(word) in reply[:cut] for word in WORDS[:3]))


@pytest.mark.parametrize(
    "words",
    [
        (" w0", " w1"),
        (" w0", " w2"),
        (" w1", " w2"),
        (" w0", " w1", " w1", " w2"),
        (" w0", " w1", " w2", " w2"),
        (" w0", " w2", " w1"),
        (" w0", " w1", " w2", " w3"),
        (" w0", " w1", " w3"),
        (" w0 w1", " w2"),
        (" w0", " w1", " x2"),
        ("w0", " w1", " w2"),
        (),
    ],
    ids=repr,
)
def test_a_missing_doubled_wrong_or_merged_token_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(WrongOutputError, match="token"):
        check(streamed(*WORDS[:3]) + streamed(*words), THREE)


@pytest.mark.parametrize("words", [(" w1",), (" w0", " w0"), (" w0", " w1", " w2", " w3")], ids=repr)
def test_a_wrong_token_is_refused_in_a_reply_that_is_cut(words: tuple[str, ...]) -> None:
    with pytest.raises(WrongOutputError, match="token"):
        check(HEAD + b"".join(b"%x\r\n%b\r\n" % (len(frame(w)), frame(w)) for w in words), THREE)


@pytest.mark.parametrize(("sent", "wanted"), [(True, False), (False, True)])
def test_the_end_is_what_the_contender_promised(*, sent: bool, wanted: bool) -> None:
    reply = streamed(*WORDS[:3], done=sent)
    assert check(reply, Expected(tokens=3, stream=True, done=sent)).tokens == 3
    with pytest.raises(WrongOutputError, match="the end is"):
        check(reply, Expected(tokens=3, stream=True, done=wanted))


@pytest.mark.parametrize("text", ["", " w0 w1", " w0 w1 w1 w2", " w0 w1 w2 "])
def test_a_whole_answer_that_differs_is_refused(text: str) -> None:
    with pytest.raises(WrongOutputError, match="another answer"):
        check(whole(text), WHOLE)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", "not a 200"),
        (chunked(frame(" w0"), b'data: {"error": {}}\n\n'), "no chunk"),
        (chunked(frame(" w0"), b"event: x\n\n"), "not a frame"),
        (chunked(frame(" w0"), b"data: {\n\n"), "no JSON"),
        (chunked(frame(" w0"), b"data: {}\n"), "a frame that does not end"),
        (HEAD + b"3\r\nabcdefgh\r\n", "a chunk that does not end"),
    ],
)
def test_what_is_no_stream_is_refused(data: bytes, what: str) -> None:
    with pytest.raises(WrongOutputError, match=what):
        check(data, THREE)
