import subprocess
import sys

import mellea.core
import openai.types.chat
import pydantic
import pytest

from mserve.events import Finish, TextDelta
from mserve.programs.adapt import adapt
from mserve.programs.ecosystems import ecosystem_of, reader


class Model(pydantic.BaseModel):
    pass


class Deeper(Model):
    pass


class Thunk(mellea.core.ModelOutputThunk[str]):
    pass


class Completion(openai.types.chat.ChatCompletion):
    pass


class Both(Model, openai.types.chat.ChatCompletion):
    pass


Stranger = type("Stranger", (), {"__module__": "openai_tools.types"})
KINDS = [
    (pydantic.BaseModel, "pydantic"), (Model, "pydantic"), (Deeper, "pydantic"),
    (openai.types.chat.ChatCompletion, "openai"), (Completion, "openai"), (Both, "openai"),
    (mellea.core.ModelOutputThunk, "mellea"), (Thunk, "mellea"),
    (Stranger, None), (str, None), (object, None), (type(None), None),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "ecosystem"), KINDS)
def test_a_type_belongs_to_the_ecosystem_of_its_nearest_base(kind: type, ecosystem: str | None) -> None:
    assert ecosystem_of(kind) == ecosystem


@pytest.mark.parametrize("ecosystem", ["mellea", "pydantic"])
def test_a_reader_has_no_words_for_what_it_does_not_know(ecosystem: str) -> None:
    assert reader(ecosystem)(object()) is None


def test_each_run_has_a_reader_of_its_own() -> None:
    assert reader("openai") != reader("openai")


async def test_what_a_reader_streams_is_read_like_any_stream() -> None:
    thunk = mellea.core.ModelOutputThunk("text")
    said = [event async for event in adapt(lambda: iter(["a ", thunk]), sync=True, name="test")]
    assert said == [TextDelta("a "), TextDelta("text"), Finish("stop")]


SAYS = """
import asyncio, sys
from mserve.programs.adapt import adapt
{program}
async def main():
    async for event in adapt(serve, sync=True, name="test"):
        print(event.text, end=" ")
asyncio.run(main())
print(*sorted({{"mellea", "openai", "pydantic"}} & set(sys.modules)))
"""
TEXT = "def serve(): return 'text'"
MODEL = """
from pydantic import BaseModel
class Model(BaseModel): pass
def serve(): return Model()
"""


@pytest.mark.parametrize(("program", "printed"), [(TEXT, "text"), (MODEL, "{} pydantic")])
def test_an_ecosystem_is_imported_when_its_objects_come(program: str, printed: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SAYS.format(program=program)], capture_output=True, text=True, timeout=30, check=False
    )
    assert (ran.stdout.strip(), ran.stderr) == (printed, "")
