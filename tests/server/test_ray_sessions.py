"""Which session a request belongs to, on Ray."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mserve.program import Call
from mserve.request import Request
from mserve.runs.cancellation import Cancellation
from mserve.server.ray.session import session_of

Messages = list[dict[str, Any]]

SAID = st.text(min_size=1)
LATER: st.SearchStrategy[Messages] = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "system", "tool"]), "content": SAID})
)
"""What a conversation goes on with."""


def session(messages: Messages, key: str | None = None, caller: str | None = None) -> str:
    request = Request(messages=messages, prompt_cache_key=key)
    return session_of(Call(request=request, cancelled=Cancellation(), caller=caller))


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def parts(text: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "text", "text": text}]}


@given(SAID, LATER, LATER)
def test_all_turns_of_a_conversation_have_one_session(first: str, some: Messages, more: Messages) -> None:
    assert session([user(first), *some]) == session([user(first), *some, *more])
    assert session([parts(first), *some]) == session([user(first)])  # as it is kept


@given(SAID, SAID)
def test_another_beginning_or_another_caller_is_another_session(first: str, second: str) -> None:
    assert (session([user(first)]) == session([user(second)])) is (first == second)
    assert session([user(first)], caller="her") != session([user(first)], caller="him")


def test_instructions_may_change_with_each_turn() -> None:
    assert session([{"role": "system", "content": "It is noon."}, user("hi")]) == session([user("hi")])


@given(SAID, SAID, LATER)
def test_a_client_may_name_it_itself(key: str, first: str, later: Messages) -> None:
    assert session([user(first)], key) == session([user("another"), *later], key)
    assert session([user(first)], key) != session([user(key)])


def test_no_text_is_told_and_where_there_is_none_there_is_no_session() -> None:
    assert "secret" not in session([user("secret")])
    assert session([]) == session([user("")]) == session([{"role": "system", "content": "hi"}]) == ""
