"""What checks signatures: keys, each bound to one algorithm, and where they come from.

A key is made once, not per token, and a token's header can never choose how one is used.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from gatewright import GatewrightError, Health

__all__ = ["BoundKey", "KeySet", "KeySource", "UnusableKey", "bind", "fits"]

MIN_RSA_BITS: Final = 2048
MAX_TRIED: Final = 4
_CURVES: Final[Mapping[str, Collection[str]]] = {
    "ES256": {"P-256"},
    "ES256K": {"secp256k1"},
    "ES384": {"P-384"},
    "ES512": {"P-521"},
    "EdDSA": {"Ed25519", "Ed448"},
}


class UnusableKey(GatewrightError):
    """A key cannot check tokens of the configured algorithms; never holds any of its bytes."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)

    def __str__(self) -> str:
        return self.why


class KeySource(Protocol):
    """Where the keys come from: a text, a file, or an address."""

    @property
    def keys(self) -> KeySet:
        """The keys in use now: the same object for as long as nothing about them changes."""
        ...

    async def find(self, algorithm: str, kid: str | None) -> Sequence[PyJWK]:
        """Return the keys that may have signed a token with this header, at least one.

        Safe to call from many tasks; cancelling one changes nothing for the others.

        Raises:
            AuthenticationError: There is no such key.
            AuthenticationUnavailable: Whether there is cannot be found out now.
        """
        ...

    async def run(self) -> None:
        """Keep the keys fresh until cancelled."""
        ...

    def health(self) -> Health:
        """Say whether tokens can be checked."""
        ...


@dataclass(frozen=True, slots=True)
class BoundKey:
    """A key, bound to the one algorithm it is used with.

    Attributes:
        kid: Its name in a key set, or ``None``.
        key: The key for PyJWT, which refuses it for any other algorithm.
    """

    kid: str | None
    key: PyJWK


class KeySet:
    """Keys by algorithm and name; never changes.

    Attributes:
        bound: The keys, in the order in which they are tried.
        named: Whether a token's ``kid`` chooses among them. A key that stands alone, in a text,
            is the one whatever a token calls it.
    """

    __slots__ = ("_by_algorithm", "_by_name", "bound", "named")

    def __init__(self, keys: Iterable[BoundKey], *, named: bool = True) -> None:
        self.bound, self.named = tuple(keys), named
        self._by_name: dict[tuple[str, str], list[PyJWK]] = {}
        self._by_algorithm: dict[str, list[PyJWK]] = {}
        for bound in self.bound:
            algorithm = bound.key.algorithm_name
            self._by_algorithm.setdefault(algorithm, []).append(bound.key)
            if bound.kid is not None:
                self._by_name.setdefault((algorithm, bound.kid), []).append(bound.key)

    def find(self, algorithm: str, kid: str | None = None) -> Sequence[PyJWK]:
        """Return the few keys that fit, none where nothing does.

        Without a ``kid`` every key of the algorithm may fit; more than four are not tried.
        """
        if kid is None or not self.named:
            return self._by_algorithm.get(algorithm, ())[:MAX_TRIED]
        return self._by_name.get((algorithm, kid), ())[:MAX_TRIED]

    def replaced_by(self, read: KeySet) -> KeySet:
        """Return what is in use once ``read`` was read: this, where nothing differs.

        So the key objects stay, and whoever asks whether anything changed compares identities.
        """
        same = self.named == read.named and _contents(self) == _contents(read)
        return self if same else read

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The algorithms it has keys for."""
        return tuple(self._by_algorithm)


def _contents(keys: KeySet) -> list[tuple[str | None, str, object]]:
    return [(bound.kid, bound.key.algorithm_name, bound.key.key) for bound in keys.bound]


def fits(jwk: Mapping[str, Any], algorithm: str) -> bool:
    """Tell whether a JSON Web Key's type and curve are the algorithm's; never so for ``oct``."""
    kty, curve = jwk.get("kty"), jwk.get("crv")
    if algorithm[:2] in {"RS", "PS"}:
        return kty == "RSA"
    wanted = "OKP" if algorithm == "EdDSA" else "EC"
    return kty == wanted and curve in _CURVES.get(algorithm, ())


def bind(kid: str | None, jwk: Mapping[str, Any], algorithm: str) -> BoundKey:
    """Make a key from the public members of a JSON Web Key that `fits` the algorithm.

    Raises:
        UnusableKey: It is broken, or too weak.
    """
    try:
        key = PyJWK(dict(jwk), algorithm=algorithm)
    except (PyJWTError, UnsupportedAlgorithm):
        why = "cannot be read"
        raise UnusableKey(why) from None
    if jwk["kty"] == "RSA" and key.key.key_size < MIN_RSA_BITS:
        why = f"is an RSA key of {key.key.key_size} bits; at least {MIN_RSA_BITS} are needed"
        raise UnusableKey(why)
    return BoundKey(kid, key)
