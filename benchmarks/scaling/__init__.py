"""What more processes and machines bring: the race of `mserve run --workers` against `mserve deploy`, and its model."""
