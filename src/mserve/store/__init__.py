"""Keeps what runs have said for longer than their processes live. Knows no program, no protocol and no HTTP."""
