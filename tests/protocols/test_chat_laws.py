"""The laws of chat completions alone: its deltas, and what OpenAI's own SDK makes of them."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from mserve.events import Logprob, TextDelta
from mserve.protocols import chat_completions
from protocols.extras import extras
from protocols.folding import choices, values
from protocols.strategies import ENVELOPES, deep_law, finished_logs, law
from protocols.talks import Take, Talk, any_talks, asked_of, taken, talks

TALKS = talks(chat_completions)
KINDS = [
    *({"content"}, {"reasoning_content", "reasoning"}, {"refusal"}, {"tool_calls"}, {"function_call"}),
    *({"annotations"}, {"audio"}),
]


def _chunks(talk: Talk, takes: list[Take]) -> list[dict[str, Any]]:
    return [value for value in values(talk.stream(takes)) if "error" not in value]


def _has_null(value: object) -> bool:
    if isinstance(value, dict):
        return any(_has_null(item) for item in value.values())
    return any(_has_null(item) for item in value) if isinstance(value, list) else value is None


# ---- the deltas


@law
@given(st.data())
def test_of_each_choice_the_first_delta_is_the_role_and_the_last_is_empty(data: st.DataObject) -> None:
    talk = data.draw(TALKS)
    said = choices(talk.stream(data.draw(taken(talk.logs))))
    for number in range(len(talk.logs)):
        first, *between, last = [choice["delta"] for choice in said if choice["index"] == number]
        assert first == {"role": "assistant"}
        assert last == {}
        assert all(delta.keys() in KINDS for delta in between)


@law
@given(any_talks(chat_completions))
def test_choices_begin_in_the_order_of_their_numbers(drawn: tuple[Talk, list[Take]]) -> None:
    talk, takes = drawn
    roles = [choice["index"] for choice in choices(talk.stream(takes)) if "role" in choice["delta"]]
    assert roles == list(range(len(roles)))


@law
@given(any_talks(chat_completions))
def test_no_delta_holds_a_null(drawn: tuple[Talk, list[Take]]) -> None:
    talk, takes = drawn
    assert not any(_has_null(choice["delta"]) for choice in choices(talk.stream(takes)))


@law
@given(any_talks(chat_completions))
def test_annotations_come_at_once_and_a_recordings_id_and_time_only_once(drawn: tuple[Talk, list[Take]]) -> None:
    talk, takes = drawn
    said = choices(talk.stream(takes))
    for number in range(len(talk.logs)):
        deltas = [choice["delta"] for choice in said if choice["index"] == number]
        audio = [delta["audio"] for delta in deltas if "audio" in delta]
        assert sum("annotations" in delta for delta in deltas) <= 1
        assert sum("id" in piece for piece in audio) <= 1
        assert sum("expires_at" in piece for piece in audio) <= 1
        assert all(audio)


@law
@given(st.data())
def test_log_probabilities_come_with_their_text_where_they_were_asked_for_and_nowhere_else(
    data: st.DataObject,
) -> None:
    asked = data.draw(st.booleans())
    log = data.draw(finished_logs())
    talk = Talk(chat_completions, data.draw(ENVELOPES), asked_of(chat_completions, logprobs=asked), [log])
    said = [choice for choice in choices(talk.stream()) if "content" in choice["delta"]]
    texts = [event for event in log if isinstance(event, TextDelta) and (event.text or (asked and event.logprobs))]
    for choice, event in zip(said, texts, strict=True):
        assert choice["delta"]["content"] == event.text
        tokens = list(map(_token, event.logprobs)) if asked else []
        assert choice.get("logprobs") == ({"content": tokens, "refusal": None} if tokens else None)


def _token(said: Logprob) -> dict[str, Any]:
    others = [_alone(other) for other in said.top_logprobs]
    return _alone(said) | {"top_logprobs": others}


def _alone(said: Logprob) -> dict[str, Any]:
    utf8 = None if said.bytes is None else list(said.bytes)
    return {"token": said.token, "logprob": said.logprob, "bytes": utf8}


# ---- judged by the SDK's types


@law
@given(any_talks(chat_completions))
def test_chunks_are_the_sdks_but_for_known_extras(drawn: tuple[Talk, list[Take]]) -> None:
    """The SDK's chunk has no custom tool: its type is refused there, and its input is an extra."""
    talk, takes = drawn
    known = set[str]()
    for chunk in _chunks(talk, takes):
        for choice in chunk["choices"]:
            for call in choice["delta"].get("tool_calls", ()):
                if call.get("type") == "custom":
                    del call["type"]
        known |= set(extras(ChatCompletionChunk.model_validate_json(json.dumps(chunk), strict=True)))
    delta = ".choices.delta"
    assert known <= {
        f"{delta}.reasoning_content",
        f"{delta}.reasoning",
        f"{delta}.annotations",
        f"{delta}.tool_calls.custom",
    }


@law
@given(TALKS)
def test_a_whole_reply_is_the_sdks_with_reasoning_as_its_only_extra(talk: Talk) -> None:
    reply = ChatCompletion.model_validate_json(talk.whole, strict=True)
    assert set(extras(reply)) <= {".choices.message.reasoning_content", ".choices.message.reasoning"}


@deep_law
@given(st.data())
def test_the_sdks_own_folding_gives_the_whole_reply(data: st.DataObject) -> None:
    talk = data.draw(TALKS)
    state = ChatCompletionStreamState()
    for chunk in _chunks(talk, data.draw(taken(talk.logs))):
        for _ in state.handle_chunk(ChatCompletionChunk.construct(**chunk)):
            pass
    folded = state.current_completion_snapshot.to_dict(mode="json")
    assert _bare(folded["choices"]) == _bare(json.loads(talk.whole)["choices"])


def _bare(value: Any) -> Any:
    """Leave out what says nothing, and what the SDK's folding adds of its own."""
    if isinstance(value, list):
        return [_bare(item) for item in value]
    if not isinstance(value, dict):
        return value
    added = {"parsed_arguments"} | ({"index"} if "type" in value else set())
    bare = {key: _bare(item) for key, item in value.items() if key not in added}
    return {key: item for key, item in bare.items() if item not in (None, "", [])}
