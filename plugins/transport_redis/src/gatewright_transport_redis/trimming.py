"""Removing old entries, for streams that nobody else trims."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from gatewright import Clock
from gatewright_redis_kit import UNAVAILABLE, AnyRedis, describe

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

__all__ = ["Trimming"]

_EVERY: Final = 30.0


class Trimming:
    """Trims a stream by age now and then; for one task."""

    def __init__(
        self,
        client: AnyRedis,
        *,
        stream: str,
        seconds: int | None,
        clock: Clock,
        log: FilteringBoundLogger,
    ) -> None:
        self._client = client
        self._stream = stream
        self._seconds = seconds
        self._clock = clock
        self._log = log
        self._due = 0.0
        self._told = False

    async def trim(self) -> None:
        """Remove what is too old, unless that was done a short while ago. Raises nothing.

        Nodes do it one by one by chance; twice does no harm.
        """
        now = self._clock.monotonic()
        if self._seconds is None or now < self._due:
            return
        self._due = now + random.uniform(_EVERY / 2, _EVERY)  # noqa: S311 - no secret
        oldest = int((self._clock.time() - self._seconds) * 1000)
        try:
            await self._client.xtrim(self._stream, minid=oldest, approximate=True)
        except UNAVAILABLE as error:
            if not self._told:
                self._log.warning("cannot trim", stream=self._stream, error=describe(error))
            self._told = True
        else:
            self._told = False
