"""One subscription that publishes what comes."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from typing import Final

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import SlowConsumerError

from acme_nats.settings import NatsSettings
from gatewright import (
    BusUnavailable,
    DeadLetter,
    Health,
    InvalidPublication,
    PluginContext,
    Publication,
    Publish,
    Reach,
    parse_publication,
)

__all__ = ["NatsTransport"]

PAUSE_SECONDS: Final = 0.2
CONNECT_SECONDS: Final = 2.0


class NatsTransport:
    """Reads a subject of NATS, which keeps nothing: what comes while nobody reads is lost.

    A publisher that asks with a reply subject is told ``{"sent": n}`` or ``{"error": text}``.
    """

    def __init__(self, settings: NatsSettings, context: PluginContext) -> None:
        self._settings = settings
        self._context = context
        self._client: Client | None = None
        self._lost = 0

    @property
    def reach(self) -> Reach:
        """A queue group has one node read each message; without, all read all."""
        return "cluster" if self._settings.queue is None else "node"

    async def run(self, publish: Publish) -> None:
        """Read and publish until cancelled; the client reconnects by itself."""
        client = await self._connected()
        try:
            subscription = await client.subscribe(
                self._settings.subject,
                queue=self._settings.queue or "",
                pending_msgs_limit=self._settings.pending,
            )
            await client.flush()
            self._client = client
            async for message in subscription.messages:
                await self._take(message, publish)
        finally:
            self._client = None
            await client.close()

    def health(self) -> Health:
        """Ready while there is a connection."""
        connected = self._client is not None and self._client.is_connected
        detail = "" if connected else "not connected"
        return Health(ready=connected, detail=detail, facts={"lost": self._lost})

    async def _connected(self) -> Client:
        token = self._settings.token
        return await nats.connect(
            servers=list(self._settings.servers),
            token=None if token is None else token.get_secret_value(),
            name=f"gatewright {self._context.node_id}",
            connect_timeout=CONNECT_SECONDS,
            max_reconnect_attempts=-1,
            reconnect_time_wait=PAUSE_SECONDS,
            error_cb=self._noted,
        )

    async def _noted(self, error: Exception) -> None:
        if isinstance(error, SlowConsumerError):
            self._lost += 1
        self._context.log.warning("nats", error=type(error).__name__)

    async def _take(self, message: Msg, publish: Publish) -> None:
        try:
            publication = parse_publication(
                message.data, source=self._context.name, limits=self._context.limits
            )
            sent = await self._published(publication, publish)
        except InvalidPublication as error:
            await self._bury(message, error)
            await _answer(message, {"error": str(error)})
        else:
            await _answer(message, {"sent": sent})

    async def _published(self, publication: Publication, publish: Publish) -> int | None:
        """Publish, and wait for a bus that is away: later messages wait behind this one."""
        while True:
            try:
                return (await publish(publication)).sent
            except BusUnavailable:
                await asyncio.sleep(PAUSE_SECONDS)

    async def _bury(self, message: Msg, error: InvalidPublication) -> None:
        now = time.time()
        letter = DeadLetter(
            id=str(uuid.uuid4()),
            kind="publication",
            target=self._context.name,
            reason="parse_error",
            payload=message.data,
            first_at=now,
            last_at=now,
            error=str(error),
        )
        await self._context.dead_letters.put([letter])
        self._context.log.warning("publication refused", why=str(error))


async def _answer(message: Msg, answer: dict[str, object]) -> None:
    if message.reply:
        await message.respond(json.dumps(answer).encode())
