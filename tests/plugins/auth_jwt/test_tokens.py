import pytest

from gatewright import Handshake
from gatewright_auth_jwt.tokens import Offer, find_token

EVERYWHERE = ("header", "query", "protocol")


def handshake(header=None, subprotocols=(), **query):
    headers = {} if header is None else {"authorization": header}
    return Handshake("/ws", {name: [value] for name, value in query.items()}, headers, subprotocols)


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer a.b.c", "a.b.c"),
        ("bearer a.b.c", "a.b.c"),
        ("BEARER   a.b.c  ", "a.b.c"),
        ("a.b.c", "a.b.c"),
        ("Basic dXNlcjp3b3Jk", "Basic dXNlcjp3b3Jk"),
        ("Bearer", ""),
        ("", ""),
    ],
)
def test_the_header_holds_a_bearer_token_or_the_bare_one(header, token):
    assert find_token(handshake(header), EVERYWHERE).token == token


@pytest.mark.parametrize(
    ("asked", "token"),
    [
        (handshake("Bearer h", token="q", access_token="a"), "h"),
        (handshake(token="q", access_token="a"), "q"),
        (handshake(access_token="a"), "a"),
        (handshake(token="", access_token="a"), "a"),
        (handshake("", token="q"), ""),
        (handshake(token="q", subprotocols=["bearer", "p"]), "q"),
        (handshake(subprotocols=["bearer", "p"]), "p"),
        (handshake("Bearer h", ["bearer", "p"]), "h"),
        (handshake(), ""),
    ],
)
def test_the_header_wins_then_the_query_then_the_protocol(asked, token):
    assert find_token(asked, EVERYWHERE).token == token


@pytest.mark.parametrize(
    ("places", "token"),
    [(["header"], "h"), (["query"], "q"), (["protocol"], "p"), (["query", "protocol"], "q")],
)
def test_places_that_are_switched_off_are_not_looked_at(places, token):
    asked = handshake("Bearer h", ["bearer", "p"], token="q")

    assert find_token(asked, places).token == token


@pytest.mark.parametrize(
    ("offered", "offer"),
    [
        (["bearer", "p"], Offer("p", "bearer")),
        (["Bearer", "p"], Offer("p", "Bearer")),
        (["chat.v1", "bearer", "p"], Offer("p", "bearer")),
        (["bearer"], Offer("", "bearer")),
        (["p"], Offer("", None)),
        (["chat.v1"], Offer("", None)),
    ],
)
def test_sub_protocols_are_answered_with_the_word_and_never_the_token(offered, offer):
    assert find_token(handshake(subprotocols=offered), EVERYWHERE) == offer


def test_offered_sub_protocols_are_answered_wherever_the_token_was():
    asked = handshake("Bearer h", ["bearer", "p"])

    assert find_token(asked, EVERYWHERE) == Offer("h", "bearer")
    assert find_token(asked, ["header"]) == Offer("h", None)
