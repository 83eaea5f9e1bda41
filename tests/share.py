"""How much of the long suites is run: `MSERVE_TEST_SHARE`, from 0 to 1, is the share of their generated cases."""

import os

SHARE = float(os.environ.get("MSERVE_TEST_SHARE", "1"))


def share(count: int) -> int:
    """Give this run's part of a number of cases, one at least."""
    return max(1, round(count * SHARE))
