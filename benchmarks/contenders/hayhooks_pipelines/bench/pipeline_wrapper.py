"""The program, as hayhooks takes it: a pipeline's wrapper that streams chat completions."""

from collections.abc import AsyncGenerator
from typing import Any

from hayhooks import BasePipelineWrapper
from program import serve


class PipelineWrapper(BasePipelineWrapper):
    """There is no pipeline behind it."""

    def setup(self) -> None:
        """There is nothing to load."""

    async def run_chat_completion_async(
        self,
        model: str,  # noqa: ARG002  # it is always passed
        messages: list[dict[str, Any]],
        body: dict[str, Any],  # noqa: ARG002
    ) -> AsyncGenerator[str, None]:
        """Answer the last message."""
        words: AsyncGenerator[str, None] = serve(messages[-1]["content"])
        return words
