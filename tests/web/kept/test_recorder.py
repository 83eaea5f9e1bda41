"""What is written down of answers: all of it, of each choice, however long, and while others stop it."""

from pathlib import Path

import httpx
import pytest

from web.kept.asking import (
    Notes,
    Server,
    asked,
    chat,
    data_of,
    followed,
    frames_of,
    in_background,
    read_until,
    refused,
    rows,
    streamed,
    streaming,
    text_of,
    told,
    until,
)


@pytest.mark.parametrize("stream", [False, True])
def test_all_choices_are_kept_and_a_response_shows_the_first(
    here: httpx.Client, there: httpx.Client, *, stream: bool
) -> None:
    prompt = f"numbered choices {stream}"
    body = chat(prompt, n=2, stream=stream)
    first, again = (
        client.post("/chat/completions", json=body, headers={"Idempotency-Key": prompt}) for client in (here, there)
    )
    assert first.status_code == 200
    assert "number 1" in first.text
    assert "number 2" in first.text
    assert again.content == first.content
    name = first.headers["x-mserve-response-id"]
    response = told(there.get(f"/responses/{name}"))
    assert (text_of(response), response["status"]) == ("number 1", "completed")
    assert data_of(followed(there, name)[-1])["response"] == response


def test_the_first_choice_that_fails_fails_them_all(here: httpx.Client, there: httpx.Client) -> None:
    body, headers = chat("fail-late", n=2), {"Idempotency-Key": "fail-late twice"}
    first, again = (client.post("/chat/completions", json=body, headers=headers) for client in (here, there))
    assert (first.status_code, again.content) == (500, first.content)
    assert told(there.get(f"/responses/{first.headers['x-mserve-response-id']}"))["status"] == "failed"


def test_a_long_answer_is_kept_to_its_last_event(here: httpx.Client, there: httpx.Client) -> None:
    frames = streamed(here, "many 10000")
    name = data_of(frames[0])["response"]["id"]
    assert [data_of(frame)["sequence_number"] for frame in frames] == list(range(len(frames)))
    expected = "".join(f"{number} " for number in range(10000))
    assert text_of(told(there.get(f"/responses/{name}"))) == expected
    assert followed(there, name) == frames
    assert followed(there, name, 5000) == frames[5001:]


def test_what_is_kept_is_kept_in_no_memory(tmp_path: Path) -> None:
    with Server(tmp_path, "--log-level", "warning") as server:
        client = server.client

        def most() -> int:
            answer = told(client.post("/chat/completions", json=chat("memory")))
            return int(answer["choices"][0]["message"]["content"])

        kept(tmp_path, client, "big 5000000")
        before = most()
        for _ in range(20):
            kept(tmp_path, client, "big 5000000")
        assert most() - before < 60_000, "kilobytes: they have said 100 MB"


def kept(folder: Path, client: httpx.Client, prompt: str) -> None:
    """Have something said in the background, and wait until it is written."""
    key = in_background(client, prompt).removeprefix("resp_")
    until(lambda: rows(folder, "SELECT ended FROM mserve_runs WHERE key = ?", key)[0][0])


def test_a_run_whose_row_is_gone_is_cancelled(tmp_path: Path) -> None:
    notes = Notes(tmp_path)
    with Server(tmp_path) as server:
        body = asked("gate refused", stream=True, background=True)
        with streaming(server.client, "POST", "/responses", json=body) as pieces:
            seen = read_until(pieces, "before ")
            name = data_of(frames_of(seen[: seen.index("\n\n") + 2])[0])["response"]["id"]
            rows(tmp_path, "DELETE FROM mserve_runs WHERE key = ?", name.removeprefix("resp_"))
            notes.open("refused")
            seen += "".join(pieces)
        many = in_background(server.client, "many 100000000")
        rows(tmp_path, "DELETE FROM mserve_runs WHERE key = ?", many.removeprefix("resp_"))
        notes.wait_for("cancelled", "many 100000000")
        server.wait_for(f"run {many.removeprefix('resp_')} can be kept no more: it is cancelled")
        assert refused(server.client.get(f"/responses/{many}"), 404) == "not_found"
        assert "Traceback" not in server.output
