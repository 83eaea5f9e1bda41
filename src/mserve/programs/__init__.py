"""User code in: finding it, calling it, understanding what it says. Knows no HTTP and no wire."""
