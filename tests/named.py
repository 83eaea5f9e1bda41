"""Names of generated cases, the same in each process that collects them."""

import re


def named(value: object) -> str:
    """Give the `repr` of a case, without the address that it has in this process."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))
