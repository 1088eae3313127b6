"""Reading a stream by cursor, as every node does for itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

from redis.exceptions import ResponseError

from gatewright import Clock
from gatewright_redis_kit.cancellation import Cancellation
from gatewright_redis_kit.connection import AnyRedis, Connection
from gatewright_redis_kit.errors import UNAVAILABLE
from gatewright_redis_kit.position import Position, StreamInfo

__all__ = ["Entry", "StreamReader"]

Entry = tuple[bytes, Sequence[bytes]]
"""An entry's id, and its fields and values in turn."""

_LOOK_SECONDS: Final = 2.0


class StreamReader:
    """A cursor over one stream; for one task at a time.

    The cursor is a concrete id, never ``$``, and stays through outages, so that an outage delays
    what the stream keeps and loses none of it. At intervals, after every failure and after every
    read that found nothing, one ``XINFO STREAM`` tells whether entries are missing (`Position`).
    """

    def __init__(
        self,
        connection: Connection,
        stream: str,
        *,
        count: int = 1000,
        block_seconds: float = 2.0,
        clock: Clock,
        start: str | None = None,
    ) -> None:
        """Connects to nothing.

        Args:
            connection: Where the stream is.
            stream: Its key.
            count: The most entries one read brings.
            block_seconds: How long a read waits for an entry.
            clock: The time.
            start: The id to read after; ``None``: from now on.
        """
        self._stream = stream
        self._count = count
        self._block = max(1, round(block_seconds * 1000))
        self._clock = clock
        self._from_now = start is None
        self._position = Position(start or f"{int(clock.time() * 1000)}-0")
        self._look_at = 0.0
        self._answered = False
        self._client: AnyRedis = connection.blocking(block_seconds=block_seconds)
        self._client.set_response_callback("XREAD", _as_sent)
        self._client.set_response_callback("XINFO STREAM", _as_sent)

    @property
    def cursor(self) -> str:
        """The id after which the next read begins."""
        return self._position.cursor

    @property
    def gaps(self) -> int:
        """How often entries were found missing, or the stream replaced."""
        return self._position.gaps

    @property
    def missed(self) -> int:
        """Entries known to be missing; a replaced stream hides how many it cost."""
        return self._position.missed

    @property
    def last_gap(self) -> str:
        """What the last gap was, in words; empty: there was none."""
        return self._position.last_gap

    @property
    def lag(self) -> int | None:
        """Entries that waited when the stream was last looked at; ``None``: unknown."""
        return self._position.lag

    async def resolve(self) -> None:
        """Settle where reading starts, unless that is done: at the entry that is the newest now.

        Where Redis does not answer, reading starts at the moment the reader was made. Cancelling
        leaves it unsettled; call again. Raises nothing.
        """
        if self._position.anchored or not self._from_now:
            return
        try:
            info = await self._info()
        except UNAVAILABLE:
            self._from_now = False
            return
        self._position.start_at_end(info)
        self._looked()

    async def read(self) -> list[Entry]:
        """Return the next entries, or none after ``block_seconds``; the cursor is then past them.

        The first read, and the first one after a failure, does not wait: that Redis answers is
        known at once.

        Cancelling loses nothing: the cursor only moves when entries are returned.

        Raises:
            ConnectionError: Or any other of `UNAVAILABLE`; read again after a pause.
        """
        cancellation = Cancellation()
        await self.resolve()
        try:
            if self._clock.monotonic() >= self._look_at:
                self._position.observe(await self._info())
                self._looked()
            cancellation.check()
            reply = await self._client.execute_command(
                "XREAD", "COUNT", self._count, *self._patience(),
                "STREAMS", self._stream, self._position.cursor,
            )  # fmt: skip
            cancellation.check()
        except BaseException:
            self._look_at = 0.0
            self._answered = False
            raise
        self._answered = True
        if not reply:
            self._look_at = 0.0
            return []
        entries = cast("list[Entry]", reply[0][1])
        self._position.advance(entries[-1][0].decode(), len(entries))
        return entries

    async def close(self) -> None:
        """Close the client; safe to call twice."""
        await self._client.aclose()

    def _patience(self) -> tuple[str | int, ...]:
        return ("BLOCK", self._block) if self._answered else ()

    def _looked(self) -> None:
        self._look_at = self._clock.monotonic() + _LOOK_SECONDS

    async def _info(self) -> StreamInfo | None:
        try:
            reply = await self._client.execute_command("XINFO STREAM", self._stream)
        except ResponseError as error:
            if "no such key" in str(error):
                return None
            raise
        return StreamInfo.read(reply)


def _as_sent(response: Any, **kwargs: Any) -> Any:  # noqa: ANN401, ARG001 - redis-py's signature
    """Keep a reply as it came: dicts of every entry's fields would cost more than reading them."""
    return response
