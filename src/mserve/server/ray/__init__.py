"""Serving on Ray Serve, on one machine or many. Alone in knowing Ray; nothing else of the server is loaded by it."""
