import functools
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mserve.errors import ClientError, LoadError
from mserve.program import Call
from mserve.programs.bind import KNOWN, bind, prompt_of
from mserve.protocols.chat_completions import decode
from mserve.request import Parameters
from mserve.runs.cancellation import Cancellation

MESSAGES: list[dict[str, Any]] = [
    {"role": "system", "content": "be kind", "mood": 1},
    {"role": "user", "content": "hello"},
]
law = settings(deadline=None, max_examples=200)  # a busy machine is no fault
DEFAULT = "the parameter's own default"

# What a client may send, and what a program may declare.
SENT: dict[str, st.SearchStrategy[Any]] = {
    "n": st.integers(1, 9),
    **dict.fromkeys(("seed", "top_logprobs", "max_tokens", "max_completion_tokens"), st.integers(0, 9)),
    **dict.fromkeys(("frequency_penalty", "presence_penalty", "temperature", "top_p"), st.floats(0, 1)),
    **dict.fromkeys(("stream", "parallel_tool_calls", "logprobs", "store"), st.booleans()),
    **dict.fromkeys(("web_search_options", "audio", "moderation", "prediction"), st.just({"a": 1})),
    **dict.fromkeys(("model", "reasoning_effort", "user", "verbosity", "service_tier"), st.text(max_size=3)),
    **dict.fromkeys(("safety_identifier", "prompt_cache_key", "prompt_cache_retention"), st.text(max_size=3)),
    "stream_options": st.just({"include_usage": True}),
    "prompt_cache_options": st.just({}),
    "logit_bias": st.just({"50256": -100}),
    "stop": st.sampled_from(["\n", ["a", "b"], []]),
    "function_call": st.sampled_from(["auto", {"name": "f"}]),
    "functions": st.just([{"name": "f", "more": 1}]),
    "tool_choice": st.sampled_from(["none", {"type": "function", "function": {"name": "f"}}]),
    "tools": st.just([{"type": "function", "function": {"name": "f"}}]),
    "modalities": st.just(["text"]),
    "response_format": st.just({"type": "text"}),
    "metadata": st.just({"k": "v"}),
}
OURS = ("messages", "prompt", "request", "headers", "caller", "cancelled", "state")
PLAIN = ("requirements", "client_options")
EXTRA = ("top_k", "min_p", "serve")
RESERVED = (*OURS, *PLAIN, "input", "model_options", "format")
TWO_NAMES = {"max_tokens", "max_completion_tokens"}

FREE = (*EXTRA, *RESERVED[1:], "self", "args", "rest", "no-identifier")  # what a client may send besides

DECLARABLE = frozenset({*SENT, *OURS, *PLAIN, *EXTRA})
sent_fields = {
    **{name: value | st.none() for name, value in SENT.items()},
    **dict.fromkeys(FREE, st.integers() | st.none()),
    "requirements": st.lists(st.text(max_size=3)) | st.none(),
}


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[str, bool], dict[str, Any]]:
    """Draw a few names: which are declared, by name with whether they have a default, and what is sent for them."""
    names = draw(st.lists(st.sampled_from([*SENT, *RESERVED, *FREE]), max_size=10, unique=True))
    declared: dict[str, bool] = {}
    sent: dict[str, Any] = {}
    for name in dict.fromkeys([*names, *draw(st.sampled_from([(), sorted(TWO_NAMES)]))]):
        if name in DECLARABLE and draw(st.booleans()):
            declared[name] = name in EXTRA or draw(st.booleans())
        if name in sent_fields and draw(st.booleans()):
            sent[name] = draw(sent_fields[name])
    return declared, sent


def call_of(sent: dict[str, Any], messages: list[dict[str, Any]] = MESSAGES) -> Call:
    request = decode(json.dumps({**sent, "messages": messages}).encode()).runs[-1]
    return Call(request=request, cancelled=Cancellation(), headers={"x-a": "b"}, caller="me", state=[1])


def program(declared: dict[str, bool], *, rest: bool, method: bool = False) -> Callable[..., dict[str, Any]]:
    """Write a program that takes these parameters, with a default where the name says True, and tells what it got."""
    parameters = [f"{name}={DEFAULT!r}" if default else name for name, default in declared.items()]
    signature = ", ".join(["self"] * method + ["*args", *parameters] + ["**rest"] * rest)
    tells = ", ".join(f"{name!r}: {name}" for name in declared)
    made: dict[str, Any] = {}
    exec(f"def serve({signature}): return {{{tells}}}{' | {None: rest}' if rest else ''}", made)
    return type("Program", (), {"__call__": made["serve"]})() if method else made["serve"]  # type: ignore[no-any-return]  # made above


def as_newer(sent: dict[str, Any]) -> dict[str, Any]:
    """What a client of the older API means, in the newer one's parameters."""
    newer: dict[str, Any] = {}
    if sent.get("functions") and sent.get("tools") is None:
        tools = [{"type": "function", "function": function} for function in sent["functions"]]
        newer |= {"tools": tools, "parallel_tool_calls": False}
    if (choice := sent.get("function_call")) is not None:
        newer["tool_choice"] = choice if isinstance(choice, str) else {"type": "function", "function": choice}
    return newer


def expected(declared: dict[str, bool], call: Call, sent: dict[str, Any], *, rest: bool) -> dict[Any, Any]:
    """The contract, said once more."""
    options = {name: value for name, value in sent.items() if name not in SENT or value is not None}
    if "n" in options:
        options["n"] = 1  # the server makes the choices
    filled = as_newer(sent) | options
    ours = {
        "messages": MESSAGES,
        "prompt": "hello",
        "request": call.request,
        "headers": {"x-a": "b"},
        "caller": "me",
        "cancelled": call.cancelled,
        "state": [1],
        "requirements": sent.get("requirements") or [],
        "client_options": options,
    }
    got: dict[Any, Any] = {}
    for name, default in declared.items():
        value = filled.get(name)
        if name in TWO_NAMES:
            newer = sent.get("max_completion_tokens")
            value = sent.get("max_tokens") if newer is None else newer
        unsent = DEFAULT if default else None
        got[name] = ours.get(name, unsent if value is None else value)
    if rest:
        taken = {"self", *declared, *RESERVED, *(TWO_NAMES if TWO_NAMES & declared.keys() else ())}
        got[None] = {name: value for name, value in options.items() if name not in taken}
    return got


def test_the_generated_cases_know_every_parameter() -> None:
    assert SENT.keys() == frozenset(Parameters.__struct_fields__)
    assert {*SENT, *RESERVED} == KNOWN


@law
@given(case=cases(), rest=st.booleans(), method=st.booleans())
@example(case=({"max_tokens": True}, {"max_tokens": 0, "max_completion_tokens": None}), rest=True, method=False)
@example(case=({"max_tokens": True}, {"max_tokens": 1, "max_completion_tokens": 2}), rest=True, method=False)
@example(case=({"requirements": False}, {}), rest=True, method=False)
@example(case=({"requirements": True}, {"requirements": ["short"]}), rest=False, method=False)
@example(case=({"client_options": False}, {"seed": 1, "top_k": 2}), rest=True, method=False)
@example(case=({}, {"self": 1, "input": 2}), rest=True, method=True)
@example(case=({"n": False}, {"n": 3}), rest=False, method=False)
@example(case=({"client_options": False}, {"n": 3}), rest=True, method=False)
@example(
    case=({"tools": True, "tool_choice": True}, {"functions": [{"name": "f"}], "function_call": {"name": "f"}}),
    rest=True,
    method=False,
)
def test_arguments_follow_the_contract(
    case: tuple[dict[str, bool], dict[str, Any]], *, rest: bool, method: bool
) -> None:
    declared, sent = case
    serve, call = program(declared, rest=rest, method=method), call_of(sent)
    binding = bind(serve, "here")
    assert binding.declares == declared.keys()
    assert serve(**binding.arguments(call)) == expected(declared, call, sent, rest=rest)


def test_messages_are_the_clients_own_objects() -> None:
    messages = [{"role": "user", "content": [{"type": "new", "what": 1}], "extra": {"deep": None}}]
    call = call_of({}, messages)
    got = bind(lambda messages: messages, "here").arguments(call)["messages"]
    assert got == messages
    assert got is call.request.messages


# ---- prompt

PARTS = st.sampled_from(
    [
        {"type": "text", "text": "a"},
        {"type": "text", "text": ""},
        {"type": "image_url", "image_url": {"url": "data:,"}},
        {"type": "new", "text": "unread"},
    ]
)
CONVERSATION = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "developer", "tool"])},
        optional={"content": st.none() | st.text(max_size=3) | st.lists(PARTS, max_size=3)},
    ),
    min_size=1,
    max_size=4,
)


@law
@given(CONVERSATION)
@example([{"role": "user", "content": "earlier"}, {"role": "user", "content": None}])
@example([{"role": "user"}])
@example([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}])
def test_the_prompt_is_the_text_of_the_last_user_message(messages: list[dict[str, Any]]) -> None:
    wanted = ""
    for message in messages:
        if message["role"] == "user":
            content = message.get("content") or ""
            texts = [part["text"] for part in content if part["type"] == "text"] if isinstance(content, list) else []
            wanted = content if isinstance(content, str) else "\n".join(texts)
    assert prompt_of(call_of({}, messages).request.messages) == wanted


# ---- what the client got wrong


@pytest.mark.parametrize("sent", ["be short", 5, {}, ["a", 5], [None], True])
def test_requirements_of_another_type_are_the_clients_error(sent: object) -> None:
    binding = bind(lambda requirements: requirements, "here")
    with pytest.raises(ClientError, match="requirements: expected an array of strings") as caught:
        binding.arguments(call_of({"requirements": sent}))
    assert (caught.value.status, caught.value.param) == (400, "requirements")


def test_undeclared_requirements_are_not_judged() -> None:
    assert bind(lambda: "", "here").arguments(call_of({"requirements": 5})) == {}


# ---- format


def test_format_is_none_without_a_schema_and_its_model_with_one() -> None:
    binding = bind(lambda format: format, "here")  # noqa: A006  # Mellea's name
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    asked = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    assert binding.arguments(call_of({"format": 5})) == {"format": None}
    assert binding.arguments(call_of({"response_format": asked}))["format"].model_json_schema() == schema


# ---- what does not load


def refusal(serve: Callable[..., Any]) -> str:
    with pytest.raises(LoadError) as caught:
        bind(serve, "here.py")
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "near"), [("mesages", "messages"), ("temprature", "temperature"), ("max_token", "max_tokens")]
)
def test_a_parameter_that_nothing_fills_is_refused_with_the_nearest_known(name: str, near: str) -> None:
    says = refusal(program({name: False}, rest=True))
    assert says.startswith(f"here.py: nothing fills the parameter {name!r} (did you mean {near!r}?). ")


def test_a_parameter_that_is_near_to_none_gets_no_guess() -> None:
    assert refusal(lambda zzzzzz: zzzzzz).startswith("here.py: nothing fills the parameter 'zzzzzz'. A field")


def positional(messages: object, /) -> object:
    return messages


def test_a_positional_only_parameter_is_refused() -> None:
    assert refusal(positional) == ("here.py: the parameter 'messages' is positional-only; parameters are given by name")
    assert bind(functools.partial(positional, 1), "here.py").declares == frozenset()


def test_a_callable_without_a_signature_is_refused() -> None:
    assert refusal(max).startswith("here.py: its parameters cannot be read (")
