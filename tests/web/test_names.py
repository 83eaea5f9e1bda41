"""The names that clients may write as the model: the programs' own, and their further ones."""

from collections.abc import Callable

import httpx
import pytest

import mserve
from mserve import LoadError, Options
from processes import Serve

ONE, TWO = "def serve():\n    return 'one'\n", "def serve():\n    return 'two'\n"
ALIASES = ("--alias", "gpt-4o=a", "--alias", "org/gpt:4=b", "--alias", "gpt-5=a")
MESSAGES = [{"role": "user", "content": "x"}]


def answer(base_url: str, model: str | None) -> tuple[str, str] | int:
    """The name that is answered under, and the answer; the status of an error."""
    body = {"messages": MESSAGES} | ({"model": model} if model is not None else {})
    reply = httpx.post(f"{base_url}/chat/completions", json=body)
    if reply.status_code != 200:
        return reply.status_code
    return reply.json()["model"], reply.json()["choices"][0]["message"]["content"]


def test_a_further_name_means_its_program_and_is_echoed(serve: Serve) -> None:
    url = serve(ONE, TWO, flags=("--name", "a", "--name", "b", *ALIASES)).base_url
    for model, text in (("a", "one"), ("b", "two"), ("gpt-4o", "one"), ("gpt-5", "one"), ("org/gpt:4", "two")):
        assert answer(url, model) == (model, text)
        assert httpx.get(f"{url}/models/{model}").json()["id"] == model
    assert [model["id"] for model in httpx.get(f"{url}/models").json()["data"]] == [
        "a",
        "b",
        "gpt-4o",
        "org/gpt:4",
        "gpt-5",
    ]
    assert answer(url, "gpt-3") == 404
    assert answer(url, None) == 400
    unknown = httpx.get(f"{url}/models/gpt-3").json()["error"]["message"]
    assert "gpt-4o" in unknown


@pytest.mark.parametrize("flags", [(), ("--strict-model",)])
def test_a_single_program_with_further_names_is_as_strict_as_it_is_told(serve: Serve, flags: tuple[str, ...]) -> None:
    url = serve(ONE, flags=("--name", "a", "--alias", "gpt-4o=a", *flags)).base_url
    assert answer(url, "gpt-4o") == ("gpt-4o", "one")
    assert answer(url, "a") == answer(url, None) == ("a", "one")
    assert answer(url, "other") == (404 if flags else ("other", "one"))
    assert httpx.get(f"{url}/models/other").status_code == (404 if flags else 200)


def one() -> str:
    return "one"


def two() -> str:
    return "two"


@pytest.mark.parametrize(
    ("aliases", "told"),
    [
        ({"x": "three"}, "the alias 'x' is for 'three', and there is no such program: one, two"),
        ({"x": "y", "y": "one"}, "the alias 'x' is for 'y', and there is no such program: one, two"),
        ({"two": "one"}, "the alias 'two' is the name of a program"),
        ({"one": "one"}, "the alias 'one' is the name of a program"),
    ],
)
def test_a_name_of_nothing_or_of_two_is_refused(aliases: dict[str, str], told: str) -> None:
    programs: list[Callable[[], str]] = [one, two]
    with pytest.raises(LoadError) as error:
        mserve.create_app(*programs, names=("one", "two"), options=Options(aliases=aliases))
    assert str(error.value) == told
