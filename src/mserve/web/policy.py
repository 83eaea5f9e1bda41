"""Says what a page of ours may do in a browser: run its own scripts and styles, known by hashes, and no others."""

import base64
import hashlib
import re

_INLINE = re.compile(rb"<(script|style)\b[^>]*>(.*?)</\1\s*>", re.DOTALL | re.IGNORECASE)
"""One pattern for both, so that what a script says of styles is no style."""
_RULES = (
    b"default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    b"script-src %b; style-src %b"
)


def policy_of(*pages: bytes) -> bytes:
    """Give the policy under which each of some pages works: one may take the place of another in the same document."""
    found = [match.groups() for page in pages for match in _INLINE.finditer(page)]
    scripts, styles = ([code for tag, code in found if tag.lower() == kind] for kind in (b"script", b"style"))
    return _RULES % (_names(scripts), _names(styles))


def _names(codes: list[bytes]) -> bytes:
    digests = dict.fromkeys(base64.b64encode(hashlib.sha256(code).digest()) for code in codes)
    return b" ".join(b"'sha256-%b'" % digest for digest in digests) or b"'none'"
