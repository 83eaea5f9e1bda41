"""The laws of completions alone: text and its columns of tokens, and what OpenAI's own SDK makes of them."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from openai.types import Completion

from mserve.events import TextDelta
from mserve.protocols import completions
from protocols.folding import choices, fold, values
from protocols.strategies import TEXTS, law
from protocols.talks import Take, Talk, any_talks, asked_of, reply_of, taken, talks

TALKS = talks(completions)


@law
@given(TALKS)
def test_a_text_is_the_echo_and_what_was_said_and_refused(talk: Talk) -> None:
    echoes = [run.messages[0]["content"] if run.extra.get("echo") else "" for run in talk.asked.runs]
    replies = [reply_of(log) for log in talk.logs]
    texts = [choice["text"] for choice in json.loads(talk.whole)["choices"]]
    assert texts == [e + reply.text + reply.refusal for e, reply in zip(echoes, replies, strict=True)]


@law
@given(st.data())
def test_tokens_stand_where_their_piece_begins_behind_the_echo(data: st.DataObject) -> None:
    talk = data.draw(TALKS)
    folded = fold(talk.stream(data.draw(taken(talk.logs))))
    for number, (run, log) in enumerate(zip(talk.asked.runs, talk.logs, strict=True)):
        at = len(run.messages[0]["content"]) if run.extra.get("echo") else 0
        tokens: list[tuple[str, float, int]] = []
        for event in log:
            if isinstance(event, TextDelta):
                for place, token in enumerate(event.logprobs):
                    before = "".join(earlier.token for earlier in event.logprobs[:place])
                    tokens.append((token.token, token.logprob, at + len(before)))
                at += len(event.text)
        columns = folded["choices"][number]["logprobs"]
        assert (columns is not None) is bool(tokens and run.logprobs)
        if columns is not None:
            named = (columns["tokens"], columns["token_logprobs"], columns["text_offset"])
            assert list(zip(*named, strict=True)) == tokens
            assert len(columns["top_logprobs"]) == len(tokens)


@law
@given(st.lists(TEXTS, min_size=1, max_size=3), st.integers(1, 3))
def test_choices_go_through_the_prompts_and_each_prompts_answers(prompts: list[str], n: int) -> None:
    asked = asked_of(completions, prompt=prompts, n=n)
    assert [run.messages for run in asked.runs] == [
        [{"role": "user", "content": prompt}] for prompt in prompts for _ in range(n)
    ]
    assert [run.n for run in asked.runs] == [1] * len(asked.runs)


@law
@given(any_talks(completions))
def test_each_piece_but_the_last_says_something(drawn: tuple[Talk, list[Take]]) -> None:
    talk, takes = drawn
    for choice in choices(talk.stream(takes)):
        assert bool(choice["text"] or choice["logprobs"]) is (choice["finish_reason"] is None)


@law
@given(any_talks(completions))
def test_chunks_are_the_sdks_and_hold_nothing_else(drawn: tuple[Talk, list[Take]]) -> None:
    """The SDK's type is that of a whole reply, which has a reason: that of OpenAI's own chunks is null, too."""
    talk, takes = drawn
    for chunk in [value for value in values(talk.stream(takes)) if "error" not in value]:
        for choice in chunk["choices"]:
            choice["finish_reason"] = choice["finish_reason"] or "stop"
        _check(chunk)


@law
@given(TALKS)
def test_a_whole_reply_is_the_sdks_and_holds_nothing_else(talk: Talk) -> None:
    _check(json.loads(talk.whole))


def _check(value: dict[str, Any]) -> None:
    read = Completion.model_validate_json(json.dumps(value), strict=True)
    assert read.to_dict(mode="json", exclude_unset=True) == value
