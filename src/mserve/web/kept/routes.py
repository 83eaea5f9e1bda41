"""Where kept runs and conversations are found."""

from starlette.routing import Route

from mserve.web.routing import Methods
from mserve.web.service import Service

from . import conversations, responses
from .conversations import Conversations
from .keeper import Keeper
from .responses import Endpoint, KeptResponses, told


def kept_routes(keeper: Keeper, service: Service) -> list[Route]:
    """Give the paths of single responses, and of conversations."""
    kept = KeptResponses(keeper, service.options, service.gathering)
    talks = Conversations(keeper, service.options)
    return [
        _route(responses.PATH, GET=kept.retrieve, DELETE=kept.delete),
        _route(responses.CANCEL_PATH, POST=kept.cancel),
        _route(responses.ITEMS_PATH, GET=kept.input_items),
        _route(conversations.PATH, POST=talks.create),
        _route(conversations.ONE_PATH, GET=talks.retrieve, POST=talks.update, DELETE=talks.delete),
        _route(conversations.ITEMS_PATH, GET=talks.items, POST=talks.add),
        _route(conversations.ITEM_PATH, GET=talks.item, DELETE=talks.take_out),
    ]


def _route(path: str, **endpoints: Endpoint) -> Route:
    return Route(path, Methods({method: told(endpoint, path) for method, endpoint in endpoints.items()}))
