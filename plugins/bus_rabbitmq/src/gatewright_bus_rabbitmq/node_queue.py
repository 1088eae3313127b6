"""The queue of one node, and the exchange that fills it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from aiormq.exceptions import (
    ChannelLockedResource,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
)

from gatewright_rabbitmq_kit import Link, QueueHeld, bind, use_exchange, use_queue

__all__ = ["NodeQueue"]

_FANOUT: Final = "fanout"


class NodeQueue:
    """Makes and binds the queue, and notices when it was gone.

    A process that begins removes what a former life of its node has left: it has no connections
    yet that could want those messages. Once it had the queue, the queue is kept, whatever happens.

    Args:
        exchange: The fanout exchange.
        node: The node's id.
        expires_seconds: How long the queue lives while nobody consumes it.
        gap: Told, in words, when messages may have passed the queue by.

    Attributes:
        name: The queue's name.
    """

    def __init__(
        self, *, exchange: str, node: str, expires_seconds: int, gap: Callable[[str], None]
    ) -> None:
        self.name = f"{exchange}.{node}"
        self._exchange = exchange
        self._expires = expires_seconds * 1000
        self._gap = gap
        self._changing = asyncio.Lock()
        self._made = False
        self._owned = False
        self._consumed = False
        self._lost = ""  # what was found missing, until it is there again

    @property
    def owned(self) -> bool:
        """Whether this process has consumed it."""
        return self._owned

    def consumed(self) -> None:
        """Take note that this process consumes it."""
        self._owned = self._consumed = True

    def released(self) -> None:
        """Take note that this process does not consume it any more."""
        self._consumed = False

    def missed(self, what: str) -> None:
        """Take note that something was seen to be gone; the next `ensure` tells it as a gap."""
        if self._made:
            self._lost = self._lost or what

    def refused(self) -> None:
        """Take note that somebody else consumes it."""
        self._made = self._owned

    async def ensure(self, link: Link) -> None:
        """Have the exchange, the queue and the binding there; safe from several tasks.

        While the queue is consumed and nothing was seen to be gone, the binding is left alone:
        mended in silence, it would hide what had passed the queue by.

        Being cancelled leaves some of it undone, which the next call makes good.

        Raises:
            QueueHeld: Another process consumes the queue, and this one never had it.
            TopologyError: The exchange is of another type, or the queue somebody's own.
            Exception: One of `UNAVAILABLE`.
        """
        async with self._changing:
            if self._made:
                self._lost = await self._missing(link) or self._lost
            else:
                await self._remove(link)
            await use_exchange(link, self._exchange, _FANOUT)
            await use_queue(link, self.name, arguments={"x-expires": self._expires})
            if self._lost or not self._consumed:
                await bind(link, queue=self.name, exchange=self._exchange)
            self._made = True
            if self._lost:
                self._gap(self._lost)
                self._lost = ""

    async def rebind(self, link: Link) -> None:
        """Bind it again, because what is confirmed does not come: that is a gap.

        Raises:
            Exception: As `ensure`.
        """
        self.missed(f"queue {self.name} was not bound to {self._exchange}")
        await self.ensure(link)

    async def discard(self, link: Link) -> None:
        """Delete the queue if nobody consumes it.

        Raises:
            Exception: One of `UNAVAILABLE`; among them that somebody does.
        """
        async with link.passing_channel() as channel:
            await channel.queue_delete(self.name, if_unused=True)

    async def _remove(self, link: Link) -> None:
        try:
            with suppress(ChannelLockedResource):  # making it says what is wrong
                await self.discard(link)
        except ChannelPreconditionFailed:
            message = f"queue {self.name} is held by another consumer"
            raise QueueHeld(message) from None

    async def _missing(self, link: Link) -> str:
        """Return what is not there any more, although it was."""
        try:
            async with link.passing_channel() as channel:
                await channel.queue_declare(self.name, passive=True)
        except ChannelNotFoundEntity:
            return f"queue {self.name} expired or was deleted"
        except ChannelLockedResource:  # making it says so
            return ""
        try:
            async with link.passing_channel() as channel:
                await channel.exchange_declare(self._exchange, exchange_type=_FANOUT, passive=True)
        except ChannelNotFoundEntity:
            return f"exchange {self._exchange} was deleted"
        return ""
