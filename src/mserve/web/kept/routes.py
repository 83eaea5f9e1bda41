"""Where kept runs and conversations are found."""

from starlette.routing import Route

from mserve.protocols.responses import endpoints
from mserve.web.routing import Methods
from mserve.web.service import Service

from .conversations import Conversations
from .keeper import Keeper
from .responses import Endpoint, KeptResponses, told


def kept_routes(keeper: Keeper, service: Service) -> list[Route]:
    """Give the paths of single responses, and of conversations."""
    kept = KeptResponses(keeper, service.options, service.gathering)
    talks = Conversations(keeper, service.options)
    return [
        _route(endpoints.RESPONSE, GET=kept.retrieve, DELETE=kept.delete),
        _route(endpoints.CANCEL, POST=kept.cancel),
        _route(endpoints.INPUT_ITEMS, GET=kept.input_items),
        _route(endpoints.CONVERSATIONS, POST=talks.create),
        _route(endpoints.CONVERSATION, GET=talks.retrieve, POST=talks.update, DELETE=talks.delete),
        _route(endpoints.ITEMS, GET=talks.items, POST=talks.add),
        _route(endpoints.ITEM, GET=talks.item, DELETE=talks.take_out),
    ]


def _route(path: str, **endpoints: Endpoint) -> Route:
    return Route(path, Methods({method: told(endpoint, path) for method, endpoint in endpoints.items()}))
