"""`stream_options`: what the server itself does with a stream. Closed, so that a typo is no silence."""

from msgspec import Struct

from mserve.errors import ClientError
from mserve.request import Request


class StreamOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """What a client may ask of a stream. There is no obfuscation, whether it is asked for or not."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None
    continuous_usage_stats: bool | None = None


def check_stream_options(options: StreamOptions | None) -> None:
    """Refuse what no stream does."""
    if options and options.continuous_usage_stats:
        param = "stream_options.continuous_usage_stats"
        raise ClientError(f"{param}: usage is sent once, at the end; only false is supported.", param=param)


def includes_usage(request: Request) -> bool:
    """Tell whether a stream ends with its usage."""
    return bool((request.stream_options or {}).get("include_usage"))
