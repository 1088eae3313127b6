"""Several ways to the gateway, and a rule that picks one for each publication."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

from gatewright_sdk.errors import ConfigurationError, Unavailable
from gatewright_sdk.publishing.publication import Publication, Published
from gatewright_sdk.publishing.transport import Transport

__all__ = ["ChoosingTransport", "Rule"]

Rule = Callable[[Publication], str]
"""Names the transport of a publication. Called for each; it must not wait."""


class ChoosingTransport:
    """Sends each publication by the transport that the rule names.

    Order is kept among publications that go the same way, and there alone.

    Args:
        transports: By name.
        rule: Picks a name.

    Raises:
        ConfigurationError: There is no transport.
    """

    def __init__(self, transports: Mapping[str, Transport], rule: Rule) -> None:
        if not transports:
            message = "transports: there must be at least one"
            raise ConfigurationError(message)
        self._transports = dict(transports)
        self._rule = rule

    async def send(self, publication: Publication) -> Published:
        """Send it by its transport; see `Transport.send`.

        Raises:
            ConfigurationError: The rule named none of them.
        """
        return await self._chosen(self._rule(publication)).send(publication)

    async def send_many(self, publications: Sequence[Publication]) -> Sequence[Published]:
        """Send each run of publications that go the same way at once; see `Transport.send_many`.

        Raises:
            ConfigurationError: The rule named none of them; nothing was sent.
        """
        named = [(self._rule(each), each) for each in publications]
        for name, publication in named:
            self._chosen(name)
            publication.encoded()
        published: list[Published] = []
        for name, run in groupby(named, key=lambda pair: pair[0]):
            try:
                published += await self._chosen(name).send_many([each for _, each in run])
            except Unavailable as error:
                error.published += len(published)
                raise
        return published

    async def close(self) -> None:
        """Close all of them, even if some cannot be closed; the first error is raised."""
        closing = (each.close() for each in self._transports.values())
        for result in await asyncio.gather(*closing, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result

    def _chosen(self, name: str) -> Transport:
        try:
            return self._transports[name]
        except KeyError:
            known = ", ".join(sorted(self._transports))
            message = f"the rule picked transport {name!r}, there are {known}"
            raise ConfigurationError(message) from None
