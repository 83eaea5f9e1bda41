"""The `mserve` command: one file for each of its commands. The only layer that prints, draws or exits."""
