import subprocess
import sys

import langchain_core.messages
import llama_index.core.agent.workflow
import llama_index.core.llms
import llama_index.core.workflow
import mellea.core
import openai.types.chat
import pydantic
import pydantic_ai
import pytest

from mserve.events import Finish, TextDelta
from mserve.programs.adapt import adapt
from mserve.programs.ecosystems import ecosystem_of, owner_of, reader


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


class Message(langchain_core.messages.AIMessage):
    pass


class Done(llama_index.core.workflow.StopEvent):
    pass


class Progress(pydantic_ai.CustomEvent):
    pass


Stranger = type("Stranger", (), {"__module__": "openai_tools.types"})
KINDS = [
    (pydantic.BaseModel, "pydantic"), (Model, "pydantic"), (Deeper, "pydantic"),
    (openai.types.chat.ChatCompletion, "openai"), (Completion, "openai"), (Both, "openai"),
    (mellea.core.ModelOutputThunk, "mellea"), (Thunk, "mellea"),
    (langchain_core.messages.AIMessageChunk, "langchain_core"), (Message, "langchain_core"),
    (llama_index.core.llms.ChatResponse, "llama_index"), (llama_index.core.agent.workflow.AgentStream, "llama_index"),
    (llama_index.core.workflow.StopEvent, "llama_index"), (Done, "llama_index"),
    (pydantic_ai.AgentRunResult, "pydantic_ai"), (Progress, "pydantic_ai"),
    (Stranger, None), (str, None), (object, None), (type(None), None),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "ecosystem"), KINDS)
def test_a_type_belongs_to_the_ecosystem_of_its_nearest_base(kind: type, ecosystem: str | None) -> None:
    assert ecosystem_of(kind) == ecosystem


@pytest.mark.parametrize(("with_llama_index", "ecosystem"), [(True, "llama_index"), (False, "pydantic")])
def test_the_programs_own_package_may_have_the_name_of_llama_indexs(
    monkeypatch: pytest.MonkeyPatch, ecosystem: str, *, with_llama_index: bool
) -> None:
    if not with_llama_index:
        monkeypatch.delitem(sys.modules, "llama_index.core.workflow")
    assert ecosystem_of(type("Answer", (Model,), {"__module__": "workflows.events"})) == ecosystem


MESSAGE = langchain_core.messages.AIMessage("a")
COMPLETION = openai.types.chat.ChatCompletionMessage(role="assistant", content="a")
ITEMS = [
    ((MESSAGE, {}), "langchain_core"), ((MESSAGE, {}, 1), None), ((MESSAGE,), None), ((MESSAGE, "a"), None),
    ((COMPLETION, {}), None), ((Model(), {}), None), (((), {}), None), ((), None), ([MESSAGE, {}], None),
    (MESSAGE, "langchain_core"), ("a", None), (None, None),
]  # fmt: skip


@pytest.mark.parametrize(("item", "ecosystem"), ITEMS, ids=repr)
def test_an_item_is_its_types_but_for_the_pairs_of_langgraph(item: object, ecosystem: str | None) -> None:
    assert owner_of(item) == ecosystem


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
ecosystems = {{"langchain_core", "llama_index", "mellea", "openai", "pydantic", "pydantic_ai"}}
print(*sorted(ecosystems & set(sys.modules)))
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
