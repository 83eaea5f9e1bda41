"""Says which session a request belongs to: those of one session go to one replica, where a program asks for that."""

from hashlib import blake2b

from mserve.program import Call
from mserve.programs.bind import prompt_of
from mserve.request import Request


def session_of(call: Call) -> str:
    """Give a conversation's key, the same for each of its turns, and no text of it; "" where it has none.

    That is the `prompt_cache_key` that its client sends, the word of OpenAI's API for requests that belong together;
    else what its user said first, which each turn carries, be it sent again or kept by the server.
    """
    named = call.request.prompt_cache_key
    said = _first(call.request) if named is None else named
    if not said:
        return ""
    return blake2b(f"{call.caller}\0{named is None}\0{said}".encode(), digest_size=16).hexdigest()


def _first(request: Request) -> str:
    return next((prompt_of([message]) for message in request.messages if message["role"] == "user"), "")
