import json
from typing import Any

import pytest
from hypothesis import given, settings

from mserve.errors import ClientError
from mserve.protocols import completions
from mserve.protocols.base import Asked
from mserve.protocols.completions import PATH, decode
from mserve.protocols.completions.schema import CompletionRequest
from mserve.request import Parameters, Request
from protocols.bodies import COMPLETION_BODIES, COMPLETION_PARAMETERS
from protocols.talks import LIMITS, asked_of


def _asked(**fields: Any) -> Asked:
    return asked_of(completions, **fields)


def _decode(**fields: Any) -> Request:
    return _asked(**fields).request


def _refused(body: bytes) -> ClientError:
    with pytest.raises(ClientError) as caught:
        decode(body, LIMITS)
    assert caught.value.status == 400
    return caught.value


def test_prompts_are_posted_where_older_clients_post_them() -> None:
    assert PATH == "/v1/completions"


def test_each_parameter_has_values_here() -> None:
    assert COMPLETION_PARAMETERS.keys() | {"prompt"} == set(CompletionRequest.__struct_fields__)


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in COMPLETION_PARAMETERS.items() for value in values]
)
def test_a_documented_parameter_reaches_the_request(name: str, value: object) -> None:
    request = _decode(**{name: value})
    if name == "logprobs":
        assert request.fields == {"logprobs": True, "top_logprobs": value}
        assert (request.logprobs, request.top_logprobs, request.extra) == (True, value, {})
    elif name in Parameters.__struct_fields__:
        assert (request.fields, request.extra) == ({name: value}, {})
        assert getattr(request, name) == value
    else:
        assert (request.fields, request.extra) == ({}, {name: value})


@pytest.mark.parametrize("name", [*COMPLETION_PARAMETERS, "prompt"])
def test_a_null_is_absent(name: str) -> None:
    (run,) = _asked(**{name: None}).runs
    assert run.fields == {}
    assert not any(run.extra.values())
    assert run.messages == [{"role": "user", "content": "" if name == "prompt" else "hi"}]


@pytest.mark.parametrize("name", ["tools", "messages", "response_format", "top_k", "fields", ""])
def test_what_is_no_parameter_here_lands_in_extra_as_sent(name: str) -> None:
    (run,) = _asked(**{name: [{"a": None}]}).runs
    assert (run.fields, run.extra) == ({}, {name: [{"a": None}]})
    assert run.messages == [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize(
    ("sent", "prompts"),
    [
        ({}, [""]),
        ({"prompt": None}, [""]),
        ({"prompt": ""}, [""]),
        ({"prompt": "a"}, ["a"]),
        ({"prompt": ["a"]}, ["a"]),
        ({"prompt": ["a", "", "b"]}, ["a", "", "b"]),
        ({"prompt": ["a"] * 128}, ["a"] * 128),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_each_prompt_is_a_conversation_of_one_message(sent: dict[str, Any], prompts: list[str]) -> None:
    asked = decode(json.dumps(sent).encode(), LIMITS)
    assert [run.messages for run in asked.runs] == [[{"role": "user", "content": prompt}] for prompt in prompts]
    assert asked.request.messages == []


@pytest.mark.parametrize(("prompt", "n", "count"), [("a", 3, 3), (["a", "b"], 2, 4), (["a", "b"], None, 2)], ids=repr)
def test_each_prompt_is_answered_n_times(prompt: Any, n: int | None, count: int) -> None:
    asked = _asked(prompt=prompt, n=n)
    texts = prompt if isinstance(prompt, list) else [prompt]
    assert [run.messages[0]["content"] for run in asked.runs] == [text for text in texts for _ in range(n or 1)]
    assert len(asked.runs) == count
    assert {(run.n or 1, run.fields.get("n", 1)) for run in asked.runs} == {(1, 1)}
    assert asked.request.n == n


@pytest.mark.parametrize("sent", [{"best_of": 1}, {"best_of": 1, "n": 1}, {"best_of": 3, "n": 3}], ids=repr)
def test_the_best_of_as_many_answers_as_are_wanted_is_all_of_them(sent: dict[str, Any]) -> None:
    assert len(_asked(**sent).runs) == sent.get("n", 1)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": 3}, "prompt"),
        ({"prompt": {}}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": [1, 2]}, "prompt"),
        ({"prompt": [[1, 2], [3]]}, "prompt"),
        ({"prompt": ["a", [1]]}, "prompt"),
        ({"prompt": ["a", 1]}, "prompt"),
        ({"prompt": [[]]}, "prompt"),
        ({"prompt": ["a"] * 129}, "prompt"),
        ({"prompt": ["a", None]}, "prompt[1]"),
        ({"prompt": [True]}, "prompt[0]"),
        ({"prompt": [["a"]]}, "prompt[0][0]"),
        *(({"n": value}, "n") for value in (0, -1, 129, True, 1.5, 2.0, "2")),
        *(({"best_of": value}, "best_of") for value in (0, 2, 129, True, "1", 1.5)),
        ({"best_of": 2, "n": 3}, "best_of"),
        ({"best_of": 1, "n": 2}, "best_of"),
        *(({"logprobs": value}, "logprobs") for value in (-1, True, "5", 1.5)),
        ({"echo": "yes"}, "echo"),
        ({"echo": 1}, "echo"),
        ({"suffix": 1}, "suffix"),
        ({"stream": "yes"}, "stream"),
        ({"max_tokens": "7"}, "max_tokens"),
        ({"stop": [1]}, "stop[0]"),
        ({"stream_options": {"typo": True}}, "stream_options.typo"),
        ({"stream_options": {"continuous_usage_stats": True}}, "stream_options.continuous_usage_stats"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_does_not_fit_is_refused_with_its_place(fields: dict[str, Any], param: str) -> None:
    error = _refused(json.dumps({"prompt": "hi", **fields}).encode())
    assert error.param == param
    assert error.message.startswith(f"{param}: ")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"prompt":"\\ud800"}'], ids=repr)
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    assert _refused(body).code == "invalid_json"


@settings(deadline=None, max_examples=100)
@given(COMPLETION_BODIES)
def test_any_object_is_a_request_that_keeps_all_of_it_or_a_400(sent: dict[str, Any]) -> None:
    asked = _read(json.dumps(sent).encode())
    if asked is None:
        return
    request = asked.request
    kept = request.fields | request.extra
    if "logprobs" in kept:
        kept["logprobs"] = kept.pop("top_logprobs")
    known = {name: value for name, value in sent.items() if value is not None and name != "prompt"}
    assert {name: value for name, value in kept.items() if value is not None} == known
    prompt = sent.get("prompt") or [""]
    assert asked.runs[0].messages[0]["content"] == (prompt if isinstance(prompt, str) else prompt[0])


def _read(body: bytes) -> Asked | None:
    try:
        return decode(body, LIMITS)
    except ClientError as error:
        if error.status != 400:
            raise
        return None
