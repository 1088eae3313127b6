"""Entries that cannot be read, written down once per cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import NoPermissionError

from gatewright import DeadLetter, DeadLetterStore
from gatewright_redis_kit import UNAVAILABLE, AnyRedis, describe, key_beside

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

__all__ = ["Rejected", "RejectedEntries"]

# Every node reads every entry, and the first one writes it down. A write that is refused takes
# its mark back, or else the other nodes would take the entry for written.
_ONCE: Final = """
for i = 2, #KEYS do
  if redis.call('SET', KEYS[i], '1', 'NX', 'EX', '3600') then
    local done = redis.pcall('XADD', KEYS[1], '*', 'reason', ARGV[2*i-3], 'raw', ARGV[2*i-2])
    if type(done) == 'table' and done.err then
      redis.call('DEL', KEYS[i])
      return done
    end
  end
end
return 0
"""
_MOST: Final = 100
_MOST_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Rejected:
    """An entry that cannot be delivered.

    Attributes:
        id: Its id in the stream.
        reason: A stable word, ``parse_error`` or ``too_large``.
        raw: Its ``data``, or its fields as JSON where there is none.
        error: What is wrong with it, in words.
    """

    id: str
    reason: str
    raw: bytes
    error: str


class RejectedEntries:
    """Collects rejected entries and writes them to the dead-letter stream; for one task."""

    def __init__(
        self,
        client: AnyRedis,
        *,
        stream: str,
        dead_letter_stream: str,
        target: str,
        fallback: DeadLetterStore,
        log: FilteringBoundLogger,
    ) -> None:
        self._client = client
        self._stream = stream
        self._letters = dead_letter_stream
        self._target = target
        self._fallback = fallback
        self._log = log
        self._waiting: list[Rejected] = []
        self._told = False

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, entry: Rejected) -> None:
        """Take an entry; `write` puts it down."""
        self._waiting.append(entry)

    async def write(self) -> None:
        """Write down what was collected: into the stream, else into the gateway's dead letters.

        Cancelling, and raising, keeps what was not written for the next call.

        Raises:
            Exception: Whatever the gateway's dead letters raise; nothing is lost.
        """
        while self._waiting:
            entries = next(_portions(self._waiting))
            try:
                await self._write_once(entries)
            except UNAVAILABLE as error:
                self._log.warning(
                    "the dead-letter stream refuses; the gateway's dead letters take over",
                    stream=self._letters,
                    entries=len(entries),
                    error=describe(error),
                )
                await self._fallback.put([self._letter(entry) for entry in entries])
            del self._waiting[: len(entries)]

    async def _write_once(self, entries: Sequence[Rejected]) -> None:
        marks = [key_beside(self._letters, f"seen:{self._stream}:{each.id}") for each in entries]
        values: list[Any] = [part for each in entries for part in (each.reason, each.raw)]
        try:
            await self._client.eval(_ONCE, 1 + len(marks), self._letters, *marks, *values)
        except NoPermissionError as error:
            if not self._told:
                self._told = True
                self._log.warning(
                    "no right to run a script: each node writes broken entries for itself",
                    stream=self._letters,
                    error=describe(error),
                )
            for each in entries:
                await self._client.xadd(self._letters, {"reason": each.reason, "raw": each.raw})

    def _letter(self, entry: Rejected) -> DeadLetter:
        at = int(entry.id.partition("-")[0]) / 1000
        return DeadLetter(
            id=entry.id,
            kind="publication",
            target=self._target,
            reason=entry.reason,
            payload=entry.raw,
            first_at=at,
            last_at=at,
            attempts=1,
            error=entry.error,
        )


def _portions(entries: Sequence[Rejected]) -> Iterator[Sequence[Rejected]]:
    """Cut ``entries`` into portions that one command may carry."""
    start, held = 0, 0
    for index, each in enumerate(entries):
        if index > start and (index - start == _MOST or held + len(each.raw) > _MOST_BYTES):
            yield entries[start:index]
            start, held = index, 0
        held += len(each.raw)
    yield entries[start:]
