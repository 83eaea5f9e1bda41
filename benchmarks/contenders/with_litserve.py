"""LitServe with its OpenAI spec: its program runs in a worker process, as always there, and tokens come by a queue."""

import sys
from collections.abc import AsyncGenerator
from typing import Any

import litserve
from program import serve


class Api(litserve.LitAPI):
    """The program, as LitServe takes it."""

    def setup(self, device: str) -> None:
        """There is nothing to load."""

    async def predict(self, request: Any) -> AsyncGenerator[str, None]:
        """Answer the last message."""
        async for word in serve(request.messages[-1].content):
            yield word


if __name__ == "__main__":
    api = Api(enable_async=True, spec=litserve.OpenAISpec())
    server = litserve.LitServer(api, accelerator="cpu", timeout=False)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        num_api_servers=1,
        generate_client_file=False,
        access_log=False,
        log_level="warning",
    )
