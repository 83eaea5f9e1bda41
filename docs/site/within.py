"""Refuses a site with a link to what it has not: of raw HTML, and of files that are carried along as they are, too."""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from mkdocs.exceptions import PluginError

NOT_FOUND = "404.html"
"""It is shown at any address: its links begin at the site's root, wherever that is."""


class Links(HTMLParser):
    """Where a page leads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one element."""
        self.found |= {value for name, value in attrs if name in ("href", "src") and value}


def on_post_build(*, config: Any) -> None:
    """Fail the build by the pages' names."""
    site = Path(config.site_dir).resolve()
    lost = [
        f"{page.relative_to(site)} leads to {link}"
        for page in sorted(site.rglob("*.html"))
        for link in lost_links(page, site if page.name == NOT_FOUND else page.parent, site)
    ]
    if lost:
        raise PluginError("The site has links that lead nowhere: " + "; ".join(lost))


def lost_links(page: Path, folder: Path, site: Path) -> list[str]:
    """Give the links of a page that name no file; a folder is one where it has an index."""
    links = Links()
    links.feed(page.read_text("utf-8"))
    return [link for link in sorted(links.found) if not leads(link, folder, site)]


def leads(link: str, folder: Path, site: Path) -> bool:
    """Tell whether a link leads to another host, to a place of its own page, or to a file."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc or not parts.path:
        return True
    path = unquote(parts.path)
    target = (site / path.lstrip("/") if path.startswith("/") else folder / path).resolve()
    return target.is_relative_to(site) and (target.is_file() or (target / "index.html").is_file())
