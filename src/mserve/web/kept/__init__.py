"""Runs that outlive their connection: what they say is kept, and can be read again by whoever made them."""
