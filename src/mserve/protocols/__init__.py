"""Pure translations between a client's bytes and our requests and events. No clock, no randomness, no waiting."""
