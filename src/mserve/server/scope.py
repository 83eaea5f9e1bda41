"""Tells an app of a request by its head, as uvicorn does."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


def scope_of(asked: HttpToolsProtocol, method: str, version: str, extensions: Mapping[str, object]) -> Any:
    """Give the scope of the request whose head has just come as a whole."""
    url = httptools.parse_url(asked.url)
    raw_path = url.path or b"/"  # as proxies are asked, and without a path
    path = raw_path.decode("ascii")
    return {
        "type": "http",
        "asgi": {"version": asked.asgi_version, "spec_version": "2.3"},
        "http_version": version,
        "server": asked.server,
        "client": asked.client,
        "scheme": asked.scheme,
        "method": method,
        "root_path": asked.root_path,
        "path": asked.root_path + (unquote(path) if "%" in path else path),
        "raw_path": asked.root_path.encode("ascii") + raw_path,
        "query_string": url.query or b"",
        "headers": asked.headers,
        "state": asked.app_state.copy(),
        "extensions": extensions,
    }
