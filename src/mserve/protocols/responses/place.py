"""Where an item stands in a response: what each of its events repeats."""

from msgspec import Struct


class Place(Struct, frozen=True):
    """An item's id and number. Ids hold the response's key: who knows one finds the response."""

    key: str
    number: int

    def id_of(self, prefix: str) -> str:
        """Give the id of an item whose kind has a prefix."""
        return f"{prefix}_{self.key}_{self.number}"


class PartPlace(Struct, frozen=True):
    """Where a part of an item stands."""

    item_id: str
    output_index: int
    content_index: int


def key_of(item_id: str) -> str | None:
    """Give the key of the response that an item is of; None for an id that is none of ours."""
    pieces = item_id.split("_")
    return pieces[1] if len(pieces) == 3 else None
