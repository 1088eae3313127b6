"""What carries publications to the gateway."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gatewright_sdk.publishing.publication import Publication, Published

__all__ = ["Transport"]


class Transport(Protocol):
    """A way to the gateway. Safe from many tasks of one event loop.

    Being cancelled leaves it usable, and open whether the publication was accepted.
    """

    async def send(self, publication: Publication) -> Published:
        """Hand one publication over.

        Raises:
            InvalidPublication: JSON cannot say it.
            Refused: It will not be taken, however often it is sent.
            Unavailable: It was not taken, or nobody knows; the same call may work later.
        """
        ...

    async def send_many(self, publications: Sequence[Publication]) -> Sequence[Published]:
        """Hand several over, in their order; all are looked at before the first one is sent.

        Raises:
            InvalidPublication: JSON cannot say one of them; nothing was sent.
            Refused: One will not be taken.
            Unavailable: ``published`` tells how many were taken for sure.
        """
        ...

    async def close(self) -> None:
        """Close its connections; a second time, nothing. It is not to be used afterwards."""
        ...
