"""Pages of items, and what is told of what was deleted."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mserve.errors import ClientError
from mserve.protocols.responses.lists import Page, encode_deleted, encode_items, page_of
from protocols.strategies import law

_ITEMS = [{"id": f"i{number}", "type": "message"} for number in range(5)]


def _page(**query: str) -> dict[str, Any]:
    page: dict[str, Any] = json.loads(encode_items(_ITEMS, page_of(query)))
    return page


def test_a_list_has_the_newest_first_unless_asked_otherwise() -> None:
    whole = {"object": "list", "has_more": False}
    assert _page() == whole | {"data": _ITEMS[::-1], "first_id": "i4", "last_id": "i0"}
    assert _page(order="asc") == whole | {"data": _ITEMS, "first_id": "i0", "last_id": "i4"}


def test_a_page_goes_on_behind_the_last_of_another() -> None:
    first = _page(limit="2")
    assert ([item["id"] for item in first["data"]], first["has_more"]) == (["i4", "i3"], True)
    second = _page(limit="2", after=first["last_id"])
    assert (second["first_id"], second["last_id"], second["has_more"]) == ("i2", "i1", True)
    third = _page(limit="2", after=second["last_id"])
    assert (third["data"], third["has_more"]) == (_ITEMS[:1], False)


def test_a_page_behind_the_last_item_is_empty() -> None:
    assert _page(after="i0") == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}


@law
@given(st.integers(0, 7), st.integers(1, 4), st.sampled_from(["asc", "desc"]))
def test_pages_together_are_the_list(count: int, limit: int, order: str) -> None:
    items = [{"id": str(number)} for number in range(count)]
    seen: list[dict[str, str]] = []
    query = {"limit": str(limit), "order": order}
    for _ in range(count + 1):
        page = json.loads(encode_items(items, page_of(query)))
        seen += page["data"]
        if not page["has_more"]:
            break
        query["after"] = page["last_id"]
    assert seen == (items if order == "asc" else items[::-1])


def test_what_is_not_asked_for_has_openais_defaults() -> None:
    assert page_of({}) == page_of({"limit": "20", "order": "desc", "unknown": "x"}) == Page()
    assert page_of({"limit": "100", "order": "asc", "after": "x"}) == Page(limit=100, newest_first=False, after="x")


@pytest.mark.parametrize("limit", ["0", "101", "-1", "", "x", "1.5", "²", "٣", " 1", "9" * 5000], ids=lambda x: x[:5])
def test_a_limit_that_makes_no_sense_is_refused(limit: str) -> None:
    with pytest.raises(ClientError) as caught:
        page_of({"limit": limit})
    assert (caught.value.status, caught.value.param) == (400, "limit")


def test_an_order_that_there_is_not_is_refused() -> None:
    with pytest.raises(ClientError) as caught:
        page_of({"order": "random"})
    assert (caught.value.status, caught.value.param) == (400, "order")


def test_a_page_behind_an_item_that_is_not_there_is_refused() -> None:
    with pytest.raises(ClientError) as caught:
        _page(after="i9")
    assert (caught.value.status, caught.value.param) == (400, "after")


def test_what_was_deleted_is_named() -> None:
    assert json.loads(encode_deleted("resp_1", "response")) == {"id": "resp_1", "object": "response", "deleted": True}
