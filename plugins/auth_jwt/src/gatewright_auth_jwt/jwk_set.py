"""Keys from a JSON Web Key Set (RFC 7517), of which only what is surely usable is used."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from gatewright_auth_jwt.keys import BoundKey, KeySet, UnusableKey, bind, fits

__all__ = ["key_set_from_jwks"]

MAX_MEMBER: Final = 4096  # characters of one member: an RSA modulus of 16,384 bits has 2,731
MAX_KEYS: Final = 64
_PUBLIC_MEMBERS: Final = ("kty", "crv", "n", "e", "x", "y")


def key_set_from_jwks(document: object, algorithms: Collection[str]) -> KeySet:
    """Make the usable keys of a JSON Web Key Set, ignoring all others.

    Usable is an asymmetric key of a configured algorithm that is meant for signatures; an ``oct``
    key, a key for encryption, an RSA key below 2,048 bits or a broken one is none. At most 64
    entries are looked at. Pure computation, some milliseconds at worst.

    Raises:
        UnusableKey: Not a key set, or none of its keys is usable.
    """
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        why = "is not a JSON Web Key Set"
        raise UnusableKey(why)
    keys = [bound for entry in entries[:MAX_KEYS] for bound in _from_jwk(entry, algorithms)]
    if not keys:
        why = f"has no usable key for {', '.join(algorithms)}"
        raise UnusableKey(why)
    return KeySet(keys)


def _from_jwk(entry: object, algorithms: Collection[str]) -> Iterable[BoundKey]:
    if not isinstance(entry, dict) or not _is_for_signatures(entry):
        return
    jwk = {name: entry[name] for name in _PUBLIC_MEMBERS if name in entry}
    if any(not isinstance(value, str) or len(value) > MAX_MEMBER for value in jwk.values()):
        return
    kid = entry.get("kid")
    for name in algorithms:
        if entry.get("alg", name) == name and fits(jwk, name):
            try:
                yield bind(kid if isinstance(kid, str) else None, jwk, name)
            except UnusableKey:
                return


def _is_for_signatures(entry: Mapping[str, object]) -> bool:
    operations = entry.get("key_ops", ["verify"])
    may_verify = isinstance(operations, list) and "verify" in operations
    return may_verify and entry.get("use", "sig") == "sig"
