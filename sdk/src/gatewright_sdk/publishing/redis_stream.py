"""Publishing through a Redis stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gatewright_sdk.config import RedisStreamSettings
from gatewright_sdk.errors import needing
from gatewright_sdk.publishing.publication import Publication, Published

__all__ = ["RedisStreamTransport"]


class RedisStreamTransport:
    """Appends to the stream that gateways read. Needs ``gatewright-sdk[redis]``.

    An entry that is in the stream is delivered once Redis, and a gateway that reads from there, are
    up. Without ``max_length`` nothing trims the stream here; somebody should.

    Args:
        settings: Which Redis, and which stream.

    Raises:
        MissingExtra: The library is not installed.
        ConfigurationError: The address is none.
    """

    def __init__(self, settings: RedisStreamSettings) -> None:
        with needing("RedisStreamTransport", "redis"):
            from gatewright_sdk.links.redis import RedisLink  # noqa: PLC0415 - optional
        self._link = RedisLink(settings.dsn, settings.timeout_seconds)
        self._stream = settings.stream
        self._max_length = settings.max_length

    async def send(self, publication: Publication) -> Published:
        """Append one entry; see `Transport.send`."""
        entry = publication.encoded()
        async with self._link.answered():
            await self._append(self._link.client, entry)
        return Published()

    async def send_many(self, publications: Sequence[Publication]) -> Sequence[Published]:
        """Append them in one round trip, all or none; see `Transport.send_many`."""
        entries = [publication.encoded() for publication in publications]
        async with self._link.answered(), self._link.client.pipeline(transaction=True) as pipeline:
            for entry in entries:
                await self._append(pipeline, entry)
            await pipeline.execute()
        return [Published()] * len(entries)

    async def close(self) -> None:
        """Close the connections."""
        await self._link.close()

    async def _append(self, client: Any, entry: bytes) -> None:  # noqa: ANN401 - a client or a pipeline
        await client.xadd(self._stream, {"data": entry}, maxlen=self._max_length, approximate=True)
