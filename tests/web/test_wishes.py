import pytest

from mserve.errors import ClientError
from mserve.options import Options, Times
from mserve.program import Traits
from mserve.web.wishes import GRACE, ON_DISCONNECT, PING, wishes_of

OPTIONS = Options(times=Times(grace=3, ping=4))


def test_the_client_comes_first_then_the_author_then_the_operator() -> None:
    finishes = Traits(on_disconnect="finish")
    assert wishes_of({}, Traits(), OPTIONS).on_disconnect == "cancel"
    assert wishes_of({}, finishes, OPTIONS).on_disconnect == "finish"
    assert wishes_of({ON_DISCONNECT: "cancel"}, finishes, OPTIONS).on_disconnect == "cancel"


def test_times_are_the_operators_unless_the_client_has_its_own() -> None:
    operators, clients = wishes_of({}, Traits(), OPTIONS), wishes_of({GRACE: "0", PING: "0.5"}, Traits(), OPTIONS)
    assert (operators.grace, operators.ping) == (3, 4)
    assert (clients.grace, clients.ping) == (0, 0.5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((ON_DISCONNECT, value) for value in ("detached", "", "Cancel")),
        *((GRACE, value) for value in ("-1", "soon", "inf", "nan")),
        *((PING, value) for value in ("0", "", "0.05")),
    ],
)
def test_what_makes_no_sense_is_the_clients_error(name: str, value: str) -> None:
    with pytest.raises(ClientError) as told:
        wishes_of({name: value}, Traits(), OPTIONS)
    assert (told.value.status, told.value.param) == (400, name)
