"""Whose word of a request's client and scheme is believed: that of proxies that are trusted, and of nobody else."""

import httpx
import pytest

from processes import Serve

PROGRAM = "def serve(prompt): return prompt"
FOR = {"X-Forwarded-For": "192.0.2.1"}
TWO = {"X-Forwarded-For": "192.0.2.1, 192.0.2.2, 127.0.0.1"}
HTTPS = {"X-Forwarded-Proto": "https"}


@pytest.mark.parametrize(
    ("flags", "claims", "client", "secure"),
    [
        ((), {}, "127.0.0.1", False),
        ((), FOR, "192.0.2.1", False),
        ((), TWO, "192.0.2.2", False),
        ((), HTTPS, "127.0.0.1", True),
        ((), FOR | HTTPS, "192.0.2.1", True),
        (("--forwarded-allow-ips", "*"), TWO, "192.0.2.1", False),
        (("--forwarded-allow-ips", "192.0.2.9"), FOR | HTTPS, "127.0.0.1", False),
        (("--no-proxy-headers",), FOR | HTTPS, "127.0.0.1", False),
    ],
)
def test_what_a_proxy_says_counts_where_it_is_trusted(
    serve: Serve, flags: tuple[str, ...], claims: dict[str, str], client: str, secure: bool
) -> None:
    server = serve(PROGRAM, flags=flags)
    page = server.base_url.removesuffix("/v1")  # its own, as long as it speaks plain HTTP
    told = httpx.get(f"{server.base_url}/models", headers={"Origin": page, **claims}, verify=False)
    assert told.status_code == (403 if secure else 200)
    server.wait_for(rf"(?m)^INFO: +{client} ")
