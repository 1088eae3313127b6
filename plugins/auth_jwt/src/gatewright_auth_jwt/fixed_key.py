"""A key that stands in the configuration."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
from jwt import PyJWK

from gatewright import AuthenticationError, Health
from gatewright_auth_jwt.keys import KeySet

__all__ = ["FixedKey"]


class FixedKey:
    """A `KeySource` whose keys never change.

    Attributes:
        keys: The keys in use.
    """

    def __init__(self, keys: KeySet) -> None:
        self.keys = keys

    async def find(self, algorithm: str, kid: str | None) -> Sequence[PyJWK]:
        """Return the key where it fits the algorithm.

        Raises:
            AuthenticationError: ``key``: it does not fit.
        """
        found = self.keys.find(algorithm, kid)
        if not found:
            reason = "key"
            raise AuthenticationError(reason)
        return found

    async def run(self) -> None:
        """Do nothing until cancelled."""
        await anyio.sleep_forever()

    def health(self) -> Health:
        """Ready, always."""
        return Health(ready=True)
