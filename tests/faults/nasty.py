"""What stranger things clients send: by hand, each once seen to break somebody's server, or likely to."""

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"

NASTY: list[str] = [
    "null", "true", "0", "-1", "-0", "1.5", "1e308", "1e999", "-1e999", "9" * 40, "9" * 5000, "0." + "9" * 5000,
    "9223372036854775808", "NaN", "-Infinity", "01", "+1", ".5", "1e", "0x1", "''", "undefined", "", ",", "]", "}",
    '""', '"a"', '"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"\\u2028\\ufeff"', '"\\x41"', '"\x01"', '"\n"', '"',
    "\\", '"' + "a" * 1_000_000 + '"', '"' + "\\u00e9" * 20_000 + '"', "[]", "[null]", "[[]]", "[1]", '["a"]',
    '[{"type": 7}]', "[{}]", "{}", '{"type": null}', '{"type": "function"}', '{"type": "text"}',
    '{"type": "__class__"}', '{"": ""}', '{"a": 1, "a": 2}', '{"name": 1}', '{"name": "f"}', '{"function": []}',
    '{"$ref": "#"}', '{"\\ud800": 1}', "[" * 100 + "]" * 100, "[" * 1000 + "]" * 1000,
    '{"a":' * 1000 + "1" + "}" * 1000, "[" * 200_000, "{" * 200_000, "[" + "0," * 100_000 + "0]",
    "[" + "[]," * 20_000 + "[]]", "/* x */ 1", "1 // x", "True", "None", '"../../etc/passwd"', '"{{7*7}}"', '"%s%n"',
    '"\\r\\nX-Injected: 1"',
]  # fmt: skip
"""What may stand in the place of a value, as it is written: most of it is JSON, and some is not."""

SCHEMAS = [
    "true", "7", '{"$ref": "#"}', '{"$ref": "http://127.0.0.1:9/x"}', '{"$ref": "#/nope"}', '{"$ref": 7}',
    '{"$id": "::"}', '{"$schema": "nope"}', '{"$schema": "http://json-schema.org/draft-03/schema#"}',
    '{"type": "nope"}', '{"type": []}', '{"pattern": "("}', '{"pattern": "(a+)+$"}',
    '{"pattern": "(a{1,1000}){1,1000}"}', '{"pattern": "\\\\p{Nope}"}', '{"enum": []}', '{"enum": 7}',
    '{"const": ' + "9" * 40 + "}", '{"minimum": ' + "9" * 40 + "}", '{"minLength": -1}', '{"multipleOf": 0}',
    '{"multipleOf": 1e-300}', '{"maxLength": 1e300}', '{"properties": 7}', '{"required": "a"}',
    '{"$dynamicRef": "#x", "$dynamicAnchor": "x"}', '{"anyOf": [' + "{}," * 5000 + "{}]}", '{"not": {}}',
    '{"not":' * 90 + "{}" + "}" * 90, '{"properties": {"": {"$ref": "#/properties/"}}}', '{"items": {"$ref": "#"}}',
    '{"type": "object", "properties": {"model_config": {}, "__init__": {}, "class": {}, "a b": {}, "_x": {}, "": {}}}',
    '{"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"$ref": "#/$defs/A"}}}',
    '{"type": "array", "items": [{"type": "string"}]}', '{"type": "object", "title": "7 \\"bad\\n name"}',
    '{"type": ["string", "null"], "default": {}}', '{"allOf": [{"type": "string"}, {"type": "integer"}]}',
    '{"type": "object", "additionalProperties": {"type": "nope"}}', '{"format": "nope", "type": "string"}',
]  # fmt: skip

RAW: list[bytes] = [
    b"", b" ", b"null", b"7", b'"x"', b"[]", b"{}", b"{", b"}", b"{}{}", b'{"messages"', b"\xef\xbb\xbf{}",
    b"\xff\xfe{\x00}\x00", b"\xff", b"\x00" * 100, b"\xc0\xaf", b"\xed\xa0\x80", b'{"messages": "\xed\xa0\x80"}',
    b"a=b&c=d", b"<xml/>", b"--x\r\n", b"[" * 1_000_000, b'{"a":' * 300_000, b'"["' * 300_000, b'["[",' * 300_000,
    b"[]" * 500_000, b'{"messages":[' + b"{}," * 9_000, b"\x1f\x8b\x08\x00\x00\x00",
    b'{"a": 1' + b" " * 1_000_000 + b"}", b"0" * 1_000_000, b'"' + b"\\" * 1_000_001 + b'"',
]  # fmt: skip

HEADERS = [
    *(f"{name}: {value}" for name in ("X-Mserve-Grace-Period", "X-Mserve-Ping-Interval", "X-Mserve-On-Disconnect")
      for value in ("", " ", "-1", "nan", "inf", "1e308", "1e999", "0", "0x1", "1_0", "\xb2", "soon", "9" * 5000,
      "cancel",
                    "Finish", "1, 2", "\x7f", "\xff" * 100)),
    *(f"Content-Type: {value}" for value in (
        "", "text/plain", "application/json;", "application/json; charset=utf-16", "application/json, text/plain",
        "APPLICATION/JSON", "application/jsonx", ";", "\xff", "application/json; boundary=" + "a" * 9000)),
    *(f"{name}: gzip" for name in ("Content-Encoding", "Transfer-Encoding", "TE", "Accept-Encoding")),
    "Content-Length: 1, 1", "Content-Length: +1", "Content-Length: -1", "Content-Length: 0x10",
    "Content-Length: " + "9" * 30, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked, identity",
    "Expect: 200-maybe", "Connection: \xff", "Cookie: \x01", "X-Request-Id: a b", "X-Request-Id: " + "x" * 129,
    "X-Request-Id: \xe9", "X-Request-Id: {}\\n", "Accept: \xff", "Host: \xff",
    "Traceparent: 00-" + "g" * 32 + "-" + "0" * 16 + "-01", "Traceparent: \xff", "Tracestate: " + "a=b," * 500,
    "Baggage: \xff=%zz", "Forwarded: for=\xff", "X-Forwarded-For: not an address, \xff", "X-Forwarded-Proto: \xff",
    "Upgrade: h2c", "Authorization: \xff", "Range: bytes=5-1", "If-None-Match: \xff", "Origin: \xff",
    "Content-Length : 5", " folded: x", "no colon", "\x00: x", ": x",
]  # fmt: skip
"""A header beside the right ones, or again."""

TARGETS = [
    *(f"{path}{query}" for path in (CHAT, COMPLETIONS) for query in (
        "?", "?a=b&a=c", "?%", "?%00", "?" + "q" * 9000, "#x", "?\xff", "?model=x;y", "/", "//", "/..", "/%2e%2e",
        "%00", ";x", "%",
        "%ff%fe", "%c0%af", "/" + "p" * 9000, "?a[]=1", "?\t")),
    "", "*", "/", "//", "///////", "/%", "/%zz", "/\xff", "/..", "/../../etc/passwd", "/%2e%2e%2fetc/passwd",
    "/\\..\\x", "http://", "http:///", "http://[::1/", "http://x:99999/", "http://x:y@z/", "/v1/models/%ff",
    "/v1/models/" + "%00" * 99, "/v1/models/..", "?x", "/v1/models/" + "/" * 500, "/v1/models/%0d%0aX-Injected:%201",
    "/docs/%2e", "/openapi.json?x=%", "/metrics?name[]=%ff", "/health%00",
]  # fmt: skip

METHODS = [
    "GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "post", "POSTX", "M-SEARCH",
    "PRI", "\xff", "",
]  # fmt: skip
