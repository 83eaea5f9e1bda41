import json

import openai.types
from hypothesis import given
from hypothesis import strategies as st

from mserve.protocols import models
from protocols.strategies import TEXTS, law


def test_models_are_listed_where_clients_look() -> None:
    assert models.PATH == "/v1/models"


def test_a_models_bytes() -> None:
    assert models.encode_model("demo", 1700000000) == (
        b'{"id":"demo","object":"model","created":1700000000,"owned_by":"mserve"}'
    )


def test_a_list_holds_its_models_in_order() -> None:
    one, two = models.encode_model("b", 1), models.encode_model("a", 1)
    assert models.encode_list(["b", "a"], 1) == b'{"object":"list","data":[' + one + b"," + two + b"]}"


@law
@given(TEXTS, st.integers(0, 2**40))
def test_a_model_is_the_sdks_and_nothing_more(name: str, created: int) -> None:
    model = openai.types.Model.model_validate_json(models.encode_model(name, created), strict=True)
    assert (model.id, model.created, model.model_extra) == (name, created, {})


@law
@given(st.lists(TEXTS))
def test_any_iterable_of_names_is_listed(names: list[str]) -> None:
    listed = json.loads(models.encode_list(iter(names), 1))
    assert [model["id"] for model in listed["data"]] == names
