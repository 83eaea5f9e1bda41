"""The page at `/`: who gets it and who does not, how it is sent, and what its policy lets it do."""

import asyncio
import base64
import gzip
import hashlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

import mserve
from mserve import Options
from mserve.web import playground
from mserve.web.keys import line_of
from processes import Serve, ServerProcess

KEY = "sesame-open"
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SHOWN = {"authorization": f"Bearer {KEY}"}
PAGE = """<!doctype html><style>a {}</style><style media="print">b {}</style><script type="module">go()</script>"""
ECHO = "def serve(prompt):\n    return prompt\n"


@pytest.fixture(autouse=True)
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where apps of this process look for the page."""
    file = tmp_path / "built" / "index.html"
    file.parent.mkdir()
    file.write_text(PAGE)
    monkeypatch.setattr(playground, "BUILT", file)
    return file


def app_of(*, keyed: bool = False, **options: Any) -> Any:
    keys = (line_of("alice", KEY),) if keyed else ()
    return mserve.create_app(lambda prompt: prompt, names=["p"], options=Options(api_keys=keys, **options))


def asked(app: Any, path: str = "/", method: str = "GET", root_path: str = "", **headers: str) -> httpx.Response:
    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(app, root_path=root_path)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, headers={"accept-encoding": "identity"} | sent)

    return asyncio.run(run())


class Codes(HTMLParser):
    """The scripts and styles of a page, as a parser of HTML sees them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.of: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002  # its own
        if tag in self.of:
            self.of[tag].append("")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem in self.of:
            self.of[self.cdata_elem][-1] += data


def check_policy(reply: httpx.Response, *pages: str) -> None:
    """Check that the pages' code may run, and nothing else may happen."""
    parts = [part.split() for part in reply.headers["content-security-policy"].split(";")]
    rules = {name: set(values) for name, *values in parts}
    for tag in ("script", "style"):
        codes = [code for page in pages for code in Codes(page).of[tag]]
        digests = [base64.b64encode(hashlib.sha256(code.encode()).digest()).decode() for code in codes]
        assert rules.pop(f"{tag}-src") == ({f"'sha256-{digest}'" for digest in digests} or {"'none'"})
    assert rules == {
        "default-src": {"'none'"},
        "connect-src": {"'self'"},
        "img-src": {"'self'", "data:", "blob:"},
        "base-uri": {"'none'"},
        "form-action": {"'none'"},
        "frame-ancestors": {"'none'"},
    }
    alone = ("x-content-type-options", "referrer-policy", "cross-origin-opener-policy")
    assert [reply.headers[name] for name in alone] == ["nosniff", "no-referrer", "same-origin"]
    assert reply.headers["content-type"] == "text/html; charset=utf-8"


def test_the_page_is_the_built_file_and_may_run_its_own_code_alone() -> None:
    reply = asked(app_of())
    assert (reply.status_code, reply.text) == (200, PAGE)
    assert reply.headers["cache-control"] == "no-cache"
    assert int(reply.headers["content-length"]) == len(PAGE)
    check_policy(reply, PAGE)


@pytest.mark.parametrize(
    ("accepted", "is_packed"),
    [
        ("gzip", True), ("gzip, deflate, br, zstd", True), ("br;q=1.0,GZIP;q=0.8", True), ("gzip ; q=0.5", True),
        ("gzip;q=0.001", True), ("", False), ("br", False), ("gzip;q=0", False), ("gzip; q=0.000, br", False),
        ("x-gzip", False), ("identity", False),
    ],
)  # fmt: skip
def test_the_page_is_packed_for_those_who_take_it_so(accepted: str, is_packed: bool) -> None:
    reply = asked(app_of(), accept_encoding=accepted)
    assert reply.headers.get("content-encoding") == ("gzip" if is_packed else None)
    assert reply.headers["vary"] == "accept-encoding"
    assert reply.text == PAGE
    assert int(reply.headers["content-length"]) == (len(gzip.compress(PAGE.encode())) if is_packed else len(PAGE))


def test_a_browser_that_has_the_page_gets_it_only_once_it_has_changed(built: Path) -> None:
    tag = asked(app_of()).headers["etag"]
    again = asked(app_of(), if_none_match=f'"other", {tag}')
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert "content-length" not in again.headers
    assert again.headers["content-security-policy"] == asked(app_of()).headers["content-security-policy"]
    built.write_text(PAGE + " ")
    changed = asked(app_of(), if_none_match=tag)
    assert (changed.status_code, changed.text) == (200, PAGE + " ")


def test_the_page_is_read_at_the_first_request_and_not_again(built: Path) -> None:
    built.unlink()
    app = app_of()
    assert "make playground" in asked(app).text
    built.write_text(PAGE)
    assert asked(app).text == PAGE
    built.unlink()
    assert asked(app).text == PAGE


def test_a_clone_without_the_page_says_how_to_build_it_and_runs_nothing(built: Path) -> None:
    built.unlink()
    reply = asked(app_of())
    assert reply.status_code == 200
    assert "Node 20" in reply.text
    assert "runs from its sources, or was installed from them" in reply.text
    assert reply.text.index("<pre>make playground</pre>") < reply.text.index("<pre>pip install .</pre>")
    assert 'href="docs"' in reply.text
    assert "<script" not in reply.text
    told = reply.headers["content-security-policy"]
    assert "script-src 'none'" in told
    assert "'sha256-" in told


@pytest.mark.parametrize("path", ["/", "/nowhere"])
def test_without_the_page_its_path_is_like_any_other_that_is_not_served(path: str) -> None:
    for keyed, status in ((False, 404), (True, 401)):
        reply = asked(app_of(playground=False, keyed=keyed), path, **BROWSER)
        assert (reply.status_code, reply.headers["content-type"]) == (status, "application/json")


# ---- with keys


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer wrong"}, {"x-api-key": "wrong"}, SHOWN | {"x-api-key": "wrong"}]
)
def test_a_browser_without_a_key_is_asked_for_one_and_sees_nothing_of_the_page(headers: dict[str, str]) -> None:
    app = app_of(keyed=True)
    reply = asked(app, **BROWSER, **headers)
    assert reply.status_code == 401
    assert reply.headers["www-authenticate"] == "Bearer"
    assert reply.headers["cache-control"] == "no-store"
    assert "etag" not in reply.headers
    assert "API key" in reply.text
    assert "go()" not in reply.text
    check_policy(reply, reply.text, PAGE)  # the page takes its place in the same document
    head = asked(app, method="HEAD", **BROWSER, **headers)
    assert (head.status_code, head.headers["content-type"]) == (401, "text/html; charset=utf-8")


def test_what_strangers_are_asked_by_is_made_once_and_not_at_each_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (asking := tmp_path / "sign_in.html").write_bytes(playground._SIGN_IN.read_bytes())
    monkeypatch.setattr(playground, "_SIGN_IN", asking)
    app = app_of(keyed=True)
    first = asked(app, **BROWSER)
    asking.unlink()
    again = asked(app, **BROWSER)
    assert (again.status_code, again.text) == (401, first.text)
    assert again.headers["content-security-policy"] == first.headers["content-security-policy"]


def test_who_has_the_page_by_a_key_is_not_told_without_one_that_it_is_the_same() -> None:
    app = app_of(keyed=True)
    reply = asked(app, **SHOWN)
    assert (reply.status_code, reply.text) == (200, PAGE)
    assert asked(app, if_none_match=reply.headers["etag"], **BROWSER).status_code == 401


@pytest.mark.parametrize(
    ("path", "method", "headers"),
    [
        ("/", "GET", {"accept": "application/json"}),
        ("/", "GET", {"accept": "*/*"}),
        ("/", "POST", BROWSER),
        ("/", "OPTIONS", BROWSER),
        ("/v1/models", "GET", BROWSER),
        ("/docs", "GET", BROWSER),
        ("/?x=/health/live", "GET", {}),
    ],
)
def test_everybody_else_without_a_key_gets_the_usual_error(path: str, method: str, headers: dict[str, str]) -> None:
    reply = asked(app_of(keyed=True), path, method, **headers)
    assert (reply.status_code, reply.json()["error"]["code"]) == (401, "invalid_api_key")


def test_a_stranger_in_the_wrong_place_is_shown_no_page() -> None:
    app = app_of(keyed=True, allowed_hosts=("box",))
    reply = asked(app, host="evil.example", **BROWSER)
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "host_not_allowed")


def test_below_a_root_path_all_of_it_is_the_same() -> None:
    app = app_of(keyed=True)
    assert asked(app, "/api/", root_path="/api", **SHOWN).text == PAGE
    assert "API key" in asked(app, "/api/", root_path="/api", **BROWSER).text
    assert asked(app, "/api", root_path="/api", **SHOWN).status_code == 404


# ---- real servers


def test_a_real_server_gives_the_page_that_it_has_and_names_all_its_code(server: ServerProcess) -> None:
    address = server.base_url.removesuffix("v1")
    reply = httpx.get(address, headers=BROWSER)
    assert reply.status_code == 200
    if "<script" in reply.text:
        check_policy(reply, reply.text)
    else:
        assert "make playground" in reply.text
    assert reply.headers["content-encoding"] == "gzip"
    assert httpx.get(address, headers={"if-none-match": reply.headers["etag"]}).status_code == 304
    assert httpx.post(address).status_code == 405


def test_a_real_server_with_keys_logs_a_page_that_asks_for_one_as_the_refusal_that_it_is(serve: Serve) -> None:
    server = serve(ECHO, flags=("--api-key", KEY))
    address = server.base_url.removesuffix("v1")
    with httpx.Client(headers=BROWSER) as client:
        asking = client.get(address)
        assert (asking.status_code, asking.headers["content-type"]) == (401, "text/html; charset=utf-8")
        assert client.get(address, headers=SHOWN).status_code == 200
    server.wait_for(r'"GET /" 401 refused:invalid_api_key')


def test_a_real_server_can_do_without_the_page(serve: Serve) -> None:
    server = serve(ECHO, flags=("--no-playground",))
    reply = httpx.get(server.base_url.removesuffix("v1"), headers=BROWSER)
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "not_found")


def test_the_page_comes_over_a_socket_file(serve: Serve, tmp_path: Path) -> None:
    serve(ECHO, flags=("--uds", str(tmp_path / "socket")))
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(tmp_path / "socket"))) as client:
        reply = client.get("http://any.name/", headers=BROWSER)
        assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
