import enum
import json
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AnyUrl, BaseModel, Field, RootModel, SecretStr
from pydantic.dataclasses import dataclass

from mserve.errors import ProgramError
from mserve.events import Event, Finish, TextDelta, Usage
from mserve.programs.adapt import adapt

Item = TypeVar("Item")


class Color(enum.Enum):
    RED = "red"


class City(BaseModel):
    name: str
    square_km: float | None = Field(default=None, alias="squareKm")
    colors: dict[str, Color] = {}


class Capital(City):
    of: str = "France"


class Page(BaseModel, Generic[Item]):
    items: list[Item]


class Names(RootModel[list[str]]):
    pass


CITIES = st.builds(
    City,
    name=st.text(),
    squareKm=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    colors=st.dictionaries(st.text(), st.just(Color.RED), max_size=2),
)
PARIS = City(name="Paris", squareKm=105.4, colors={"flag": Color.RED})


async def say(*items: object) -> list[Event]:
    async def returned() -> object:
        return items[0]

    async def yielded() -> Iterator[object]:
        return iter(items)

    return [event async for event in adapt(returned if len(items) == 1 else yielded, sync=False, name="test")]


async def text_of(item: object) -> str:
    (event,) = await say(item)
    assert isinstance(event, TextDelta)
    return event.text


@settings(max_examples=25)
@given(CITIES)
async def test_a_model_is_a_whole_reply_from_which_it_can_be_read_again(city: City) -> None:
    assert City.model_validate_json(await text_of(city)) == city


@pytest.mark.parametrize("model", [
    PARIS, Capital(name="Paris"), Page[City](items=[PARIS]), Page[int](items=[1, 2]), Names(["a", "b"]),
], ids=repr)  # fmt: skip
async def test_a_model_of_any_making_is_spelt_as_pydantic_spells_it(model: BaseModel) -> None:
    spelt = model.model_dump_json(by_alias=True)
    assert await text_of(model) == spelt
    assert json.loads(await text_of({"within": [model]})) == {"within": [json.loads(spelt)]}


async def test_a_field_is_told_by_its_alias() -> None:
    assert json.loads(await text_of(PARIS)) == {"name": "Paris", "squareKm": 105.4, "colors": {"flag": "red"}}


async def test_a_model_may_be_the_only_item_with_usage_and_finish_beside_it() -> None:
    text = TextDelta(Names(["a"]).model_dump_json())
    assert await say(Usage(1, 1), Names(["a"]), Usage(1, 2), Finish()) == [Usage(1, 1), text, Usage(1, 2), Finish()]


@pytest.mark.parametrize("beside", ["text", {}, PARIS], ids=repr)
async def test_a_model_beside_a_text_or_another_reply_is_the_programs_error(beside: object) -> None:
    for items in ([beside, PARIS], [PARIS, beside]):
        with pytest.raises(ProgramError, match="whole reply"):
            await say(*items)


@dataclass
class Point:
    x: int


@pytest.mark.parametrize("item", [AnyUrl("http://a"), SecretStr("a"), Point(1), City], ids=lambda item: str(type(item)))
async def test_what_pydantic_has_besides_models_is_the_programs_error_and_names_the_type(item: Any) -> None:
    with pytest.raises(ProgramError, match=rf"of type {type(item).__name__}\b"):
        await say(item)
