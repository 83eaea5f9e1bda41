"""What each step of a request's way costs by itself, without a socket. `make bench-micro` runs it."""
