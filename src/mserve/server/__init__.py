"""Keeps a serving process alive: its socket, its signals, its end. The only layer that knows uvicorn."""
