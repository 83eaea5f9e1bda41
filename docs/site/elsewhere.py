"""Refuses a page that would load something from another host: readers are nobody else's business."""

from html.parser import HTMLParser
from typing import Any

from mkdocs.exceptions import PluginError

LOADING = {"src", "srcset", "poster", "data"}
"""Attributes that a browser fetches at once; of links only those in the page's head."""
KINDS_OF_LINKS = {"canonical", "next", "prev"}
"""What a head may point to without anybody's fetching it."""


class Loads(HTMLParser):
    """What a page loads from other hosts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one element."""
        given = dict(attrs)
        names = LOADING | {"href"} if tag == "link" and given.get("rel") not in KINDS_OF_LINKS else LOADING
        self.found += [value for name, value in attrs if name in names and value and "//" in value]


def on_post_page(output: str, *, page: Any, **_: Any) -> str:
    """Fail the build by the page's name."""
    loads = Loads()
    loads.feed(output)
    if loads.found:
        raise PluginError(f"{page.file.src_uri} loads from elsewhere: {', '.join(loads.found)}")
    return output
