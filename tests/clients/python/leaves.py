"""No client: it tries to leave the machine in a way that hides its failure, so that the guard can be seen at work."""

import contextlib
import socket
import sys

import loopback

assert loopback.LEFT
with contextlib.suppress(OSError):
    if sys.argv[1] == "name":
        socket.getaddrinfo("example.com", 443)
    else:
        socket.create_connection(("192.0.2.1", 443), timeout=1)
