"""Handshakes of all sorts, for the rules of authentication."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gatewright.model import Handshake

__all__ = ["bare", "bearer", "garbage"]

MADE: Final = 100
ODD: Final = ("", " ", "Bearer", "bearer ", "Basic eDp5", "Bearer  .", "..", "\x00", "é\x80", "[]")
LONG: Final = "x" * 65_536

_TEXTS: Final = st.text(st.characters(codec="utf-8"), max_size=40)
_LATIN: Final = st.text(st.characters(max_codepoint=255), max_size=40)
_QUERY_NAMES: Final = st.sampled_from(["token", "access_token", "user", "jwt", "key"])
_HEADER_NAMES: Final = st.sampled_from(["authorization", "cookie", "x-api-key", "origin"])
_HANDSHAKES: Final = st.builds(
    Handshake,
    path=_TEXTS,
    query=st.dictionaries(_QUERY_NAMES | _TEXTS, st.lists(_TEXTS, min_size=1, max_size=3)),
    headers=st.dictionaries(_HEADER_NAMES, _LATIN | _LATIN.map("Bearer {}".format)),
    subprotocols=st.lists(st.sampled_from(["bearer", "chat"]) | _LATIN, max_size=3).map(tuple),
    client=st.sampled_from(["", "192.0.2.1", "2001:db8::1"]),
)


def bearer(token: str) -> Handshake:
    """Return the handshake of a client that shows its token in ``Authorization``.

    As servers do, the header's bytes are read as Latin-1.
    """
    value = f"Bearer {token}".encode(errors="surrogatepass").decode("latin-1")
    return Handshake("/ws", {}, {"authorization": value}, (), "192.0.2.1")


def bare() -> Iterator[Handshake]:
    """Yield handshakes that show nothing at all."""
    yield Handshake("/ws", {}, {})
    yield Handshake("/ws", {"token": [""]}, {"authorization": ""}, ())
    yield Handshake("/ws", {}, {"host": "gateway.example", "origin": "https://example"}, ())


def garbage() -> Iterator[Handshake]:
    """Yield handshakes that make no sense: those everybody should think of, then made ones."""
    for text in (*ODD, LONG):
        yield Handshake("/ws", {}, {"authorization": text})
        yield Handshake("/ws", {"token": [text, text], "access_token": [text]}, {})
        yield Handshake("/ws", {}, {}, ("bearer", text))
        yield Handshake("/ws", {}, {"cookie": text, "x-api-key": text}, (text,))
    yield Handshake("/ws", {"token": []}, {}, ("bearer",))
    yield from _made()


def _made() -> Sequence[Handshake]:
    """Return handshakes that hypothesis made, the same in every run."""
    made: list[Handshake] = []

    @settings(
        max_examples=MADE,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(_HANDSHAKES)
    def collect(handshake: Handshake) -> None:
        made.append(handshake)

    collect()
    return made
