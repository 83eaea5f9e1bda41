"""The server's own document and its page: true to the routes, and able to do nothing but show them."""

import base64
import hashlib
import json
import re
from typing import Any

import httpx
import jsonschema_rs
import pytest

from mserve.protocols.responses.endpoints import ENDPOINTS
from processes import Serve, ServerProcess


@pytest.fixture
def address(server: ServerProcess) -> str:
    return server.base_url.removesuffix("/v1")


@pytest.fixture
def document(address: str) -> Any:
    reply = httpx.get(f"{address}/openapi.json")
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/json"
    return reply.json()


def test_the_document_names_what_is_served(document: Any, address: str) -> None:
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == {
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/responses",
        "/v1/models",
        "/v1/models/{model}",
        "/health",
        "/health/live",
        "/health/ready",
        "/openapi.json",
        *(endpoint.path for endpoint in ENDPOINTS),
    }
    for path, methods in document["paths"].items():
        for method in methods:
            reply = httpx.request(method, address + path.replace("{model}", "modes"))
            asks_for_nothing_that_is_kept = "{" not in path or "{model}" in path
            reads_a_body = "requestBody" in methods[method]
            assert reply.status_code == (415 if reads_a_body else 200 if asks_for_nothing_that_is_kept else 404)


def test_every_reference_in_the_document_leads_somewhere(document: Any) -> None:
    names = re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document))
    assert names
    assert set(names) <= set(document["components"]["schemas"])


def test_a_reply_fits_the_documents_own_schema(document: Any, client: httpx.Client) -> None:
    operation = document["paths"]["/v1/chat/completions"]["post"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    reply = client.post("/chat/completions", json={"messages": [{"role": "user", "content": "usage"}]})
    jsonschema_rs.validate(schema | {"components": document["components"]}, reply.json())


def policy(reply: httpx.Response) -> dict[str, list[str]]:
    parts = [part.split() for part in reply.headers["content-security-policy"].split(";")]
    return {name: values for name, *values in parts}


def test_the_page_may_do_nothing_but_run_its_own_script(address: str) -> None:
    reply = httpx.get(f"{address}/docs")
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    rules = policy(reply)
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        (code,) = re.findall(f"(?s)<{tag}>(.*?)</{tag}>", reply.text)
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        assert rules.pop(rule) == [f"'sha256-{digest}'"]
        assert len(re.findall(f"<{tag}", reply.text)) == 1
    assert rules == {
        "default-src": ["'none'"],
        "connect-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'none'"],
    }


def test_the_page_has_no_code_that_its_policy_forbids_and_names_no_other_host(address: str) -> None:
    page = httpx.get(f"{address}/docs").text
    assert not re.search(r"\son\w+=|\sstyle=|javascript:|innerHTML|eval\(", page)
    assert not re.search(r"https?://|//\w", page)


def test_the_page_leads_to_the_playground_where_there_is_one(address: str, serve: Serve) -> None:
    assert '<a href="./">' in httpx.get(f"{address}/docs").text
    without = serve("def serve(prompt):\n    return prompt\n", flags=("--no-playground",))
    page = httpx.get(f"{without.base_url.removesuffix('/v1')}/docs")
    assert page.status_code == 200
    assert "./" not in page.text


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
def test_both_are_there_for_reading_alone(address: str, path: str) -> None:
    headed = httpx.head(address + path)
    assert (headed.status_code, headed.content) == (200, b"")
    assert int(headed.headers["content-length"]) == len(httpx.get(address + path).content)
    assert httpx.post(address + path).status_code == 405
