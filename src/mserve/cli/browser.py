"""Opens a page in the user's browser, where one with windows can be there. Never takes the terminal for it."""

import subprocess
import sys
import threading
from collections.abc import Mapping


def can_open(environment: Mapping[str, str], platform: str, *, is_terminal: bool) -> bool:
    """Tell whether somebody sits here who would see a window open."""
    if not is_terminal or "SSH_CONNECTION" in environment or "CI" in environment:
        return False
    has_windows = platform in ("darwin", "win32")
    return has_windows or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def open_page(url: str) -> None:
    """Open it, and wait for nothing. In a session of its own, a browser for terminals has no terminal."""
    command = [sys.executable, "-P", "-m", "webbrowser", url]  # -P: Python's own, whatever lies in this folder
    nothing = subprocess.DEVNULL

    def run() -> None:
        subprocess.run(command, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True, check=False)  # noqa: S603  # ours

    threading.Thread(target=run, name="mserve browser", daemon=True).start()
