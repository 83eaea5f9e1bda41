"""The ingress without Ray's proxy: `python -m benchmarks.scaling.direct ADDRESS APP PORT`, before what is deployed.

The same code as behind the proxy, in a process of its own that clients reach: what both differ by is the proxy's.
"""

import hashlib
import sys

import ray
import uvicorn
from ray import serve

from benchmarks.contestants import KEY
from mserve.options import Options
from mserve.program import Traits
from mserve.server.ray.ingress import Door
from mserve.server.ray.remote import RemoteProgram
from mserve.web.app import App


def main(address: str, app: str, port: int) -> None:
    """Serve until somebody ends it."""
    ray.init(address, namespace="serve", log_to_driver=False, logging_level="warning")
    handle = serve.get_deployment_handle("program", app_name=app)
    program = RemoteProgram("program", frozenset({"prompt"}), Traits(), handle, 60.0)
    options = Options(api_keys=(f"bench:{hashlib.sha256(KEY.encode()).hexdigest()}",), store=None)
    door = Door(App([program], options))
    uvicorn.run(door, host="127.0.0.1", port=port, access_log=False, log_level="warning", timeout_keep_alive=60)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
