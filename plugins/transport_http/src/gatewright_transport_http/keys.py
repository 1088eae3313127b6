"""API keys, compared so that the time taken says nothing about them."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from starlette.datastructures import Headers

__all__ = ["KEY_HEADER", "ApiKeys"]

KEY_HEADER = "x-api-key"


class ApiKeys:
    """The keys that open the HTTP API; false where there are none."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = tuple(key.encode() for key in keys)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def accept(self, given: bytes) -> bool:
        """Tell whether ``given`` is one of the keys.

        Every key is compared, whichever matched, each in a time that depends on that key's
        length alone.
        """
        accepted = False
        for key in self._keys:
            accepted |= hmac.compare_digest(given, key)
        return accepted

    def accept_header(self, headers: Headers) -> bool:
        """Tell whether a request's ``X-Api-Key`` holds one of the keys, in UTF-8."""
        return any(self.accept(value.encode("latin-1")) for value in headers.getlist(KEY_HEADER))
