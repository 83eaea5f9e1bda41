"""HTTP: an ASGI app that carries bytes between clients, protocols and runs. The only layer that knows Starlette."""
