"""Hayhooks: its app as its command makes it, without a line for each request."""

import os
import sys
from pathlib import Path

os.environ |= {
    "LOG": "WARNING",
    "HAYHOOKS_PIPELINES_DIR": str(Path(__file__).with_name("hayhooks_pipelines")),
    "HAYHOOKS_ADDITIONAL_PYTHON_PATH": str(Path(__file__).parent),
}

import uvicorn  # the environment comes first
from hayhooks.server.app import create_app

if __name__ == "__main__":
    uvicorn.run(create_app(), host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_config=None)
