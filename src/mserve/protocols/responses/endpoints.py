"""Where kept responses and conversations are found, as the server's document tells of it."""

from typing import Any

from mserve.protocols.base import Endpoint

from .conversations import ChangedConversation, Conversation, NewConversation, NewItems
from .event_schema import ResponseEvent
from .lists import Deleted, ItemList
from .reply_schema import Response

RESPONSE = "/v1/responses/{response}"
CANCEL = f"{RESPONSE}/cancel"
INPUT_ITEMS = f"{RESPONSE}/input_items"
CONVERSATIONS = "/v1/conversations"
CONVERSATION = f"{CONVERSATIONS}/{{conversation}}"
ITEMS = f"{CONVERSATION}/items"
ITEM = f"{ITEMS}/{{item}}"

_PAGE: dict[str, Any] = {
    "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
    "order": {"enum": ["asc", "desc"], "default": "desc"},
    "after": {"type": "string"},
}
_STREAM: dict[str, Any] = {
    "stream": {"type": "boolean", "default": False},
    "starting_after": {"type": "integer", "minimum": -1, "maximum": 2**53},
}
_ITEM = dict[str, Any]

ENDPOINTS = (
    Endpoint("getResponse", "A response as it is by now, or its stream behind an event.", "get", RESPONSE,
             reply=Response, chunk=ResponseEvent, query=_STREAM),
    Endpoint("deleteResponse", "Forget a response.", "delete", RESPONSE, reply=Deleted),
    Endpoint("cancelResponse", "End a response that goes on.", "post", CANCEL, reply=Response),
    Endpoint("listInputItems", "What a response was asked.", "get", INPUT_ITEMS, reply=ItemList, query=_PAGE),
    Endpoint("createConversation", "Begin a conversation.", "post", CONVERSATIONS,
             request=NewConversation, reply=Conversation),
    Endpoint("getConversation", "A conversation.", "get", CONVERSATION, reply=Conversation),
    Endpoint("updateConversation", "Note something else on a conversation.", "post", CONVERSATION,
             request=ChangedConversation, reply=Conversation),
    Endpoint("deleteConversation", "Forget a conversation.", "delete", CONVERSATION, reply=Deleted),
    Endpoint("listConversationItems", "The items of a conversation.", "get", ITEMS, reply=ItemList, query=_PAGE),
    Endpoint("createConversationItems", "Add to a conversation.", "post", ITEMS, request=NewItems, reply=ItemList),
    Endpoint("getConversationItem", "One item.", "get", ITEM, reply=_ITEM),
    Endpoint("deleteConversationItem", "Take an item out.", "delete", ITEM, reply=Conversation),
)  # fmt: skip
"""All but the one that makes a response, which is the protocol's own."""
