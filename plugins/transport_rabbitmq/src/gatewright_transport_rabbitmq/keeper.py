"""Looks after a consumer from beside: whether the broker answers, whether the queue is bound."""

from __future__ import annotations

import asyncio
from typing import Final

from gatewright_rabbitmq_kit import UNAVAILABLE, Consumer, Link, describe
from gatewright_transport_rabbitmq.in_doubt import InDoubt
from gatewright_transport_rabbitmq.topology import Topology
from gatewright_transport_rabbitmq.watch import Watch

__all__ = ["Keeper"]

_EVERY: Final = 5.0
_SETTLE_EVERY: Final = 0.1


class Keeper:
    """Asks the broker now and then; drops a connection that gives no answer in time."""

    def __init__(self, topology: Topology, *, watch: Watch, in_doubt: InDoubt) -> None:
        self._topology = topology
        self._watch = watch
        self._in_doubt = in_doubt

    async def run(self, link: Link, consumer: Consumer) -> None:
        """Look after one consumer until cancelled, or until its connection has to be dropped."""
        clock = asyncio.get_running_loop().time
        settled, mends_at = self._in_doubt.mark(), clock() + _EVERY
        while True:
            await asyncio.sleep(_SETTLE_EVERY)
            mark, mends = self._in_doubt.mark(), clock() >= mends_at
            if mark == settled and not mends:
                continue
            try:
                await consumer.check()
                self._in_doubt.settled(mark)
                settled = mark
                if mends:
                    self._watch.topology(await self._topology.mend(link))
                    mends_at = clock() + _EVERY
            except TimeoutError:
                link.abort()
                return
            except UNAVAILABLE as error:
                if link.lost or consumer.failed is not None:
                    return
                self._watch.topology(describe(error))
                mends_at = clock() + _EVERY
