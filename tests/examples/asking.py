import os
import subprocess
import sys

from processes import EXAMPLES, ServerProcess


def ask(example: str, server: ServerProcess, *arguments: str) -> str:
    """Run an example's client as its reader would, and give what it printed."""
    client = [sys.executable, str(EXAMPLES / example / "client.py"), *arguments]
    env = os.environ | {"OPENAI_BASE_URL": server.base_url}
    done = subprocess.run(client, capture_output=True, text=True, timeout=50, check=False, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout
