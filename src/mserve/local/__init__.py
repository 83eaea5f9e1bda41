"""The embedded model: a GGUF file on llama.cpp, in this process, behind OpenAI's API on loopback.

`async with mserve.local.serving() as model:` gives its `base_url`, `name` and `api_key`, for any client.
"""

from .fetch import Progress, cached, fetch
from .models import DEFAULT, PackagedModel
from .serving import LocalModel, serving

__all__ = ["DEFAULT", "LocalModel", "PackagedModel", "Progress", "cached", "fetch", "serving"]
