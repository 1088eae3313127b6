"""The lease of this node: who may write records, who may claim those of others.

All times here are monotonic; how long a lease lasts is Redis's to decide. The node's own view is
the careful one: a lease counts from the moment the beat was sent.
"""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import Final
from uuid import uuid4

import anyio
from redis.exceptions import NoPermissionError

from gatewright import Clock
from gatewright_presence_redis.keys import NodeKeys
from gatewright_presence_redis.scripts import BEAT, RELEASE
from gatewright_presence_redis.store import Store

__all__ = ["CLAIMED_SECONDS", "Lease", "LeaseUnknown", "Standing"]

CLAIMED_SECONDS: Final = 86_400
"""How long a claimed life is remembered, for the case that it comes back."""

_WAIT_SECONDS: Final = 2.0


class Standing(Enum):
    """What the last beat said."""

    UNKNOWN = "no answer yet"
    HELD = "the lease is ours"
    DUPLICATE = "another process holds it"
    WAITING = "a former life's records wait to be claimed"
    CLAIMED = "others took this node for dead"
    UNFENCED = "Redis does not let us keep one"


class LeaseUnknown(Exception):
    """Nothing is written now: whether this node still counts as alive is not known."""

    def __str__(self) -> str:
        return "it is not known whether this node's lease still holds"


class Lease:
    """The lease of one node, renewed by `beat` from one task; the rest is for any.

    Attributes:
        seconds: How long it lasts.
        token: Names this life of the node; another one after it was claimed.
        standing: What the last beat said.
        error: Why the last beat failed, or ``""``.
    """

    def __init__(self, store: Store, keys: NodeKeys, seconds: float, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self.seconds = seconds
        self.token = uuid4().hex
        self.standing = Standing.UNKNOWN
        self.error = ""
        self._answered_at = float("-inf")
        self._since: float | None = None  # connected from then on without a break
        self._ahead: float | None = None  # Redis's clock less our monotonic one
        self._beaten = asyncio.Event()

    @property
    def is_fresh(self) -> bool:
        """Whether the last answer is younger than the lease."""
        return self._clock.monotonic() - self._answered_at < self.seconds

    @property
    def is_held(self) -> bool:
        """Whether the lease is ours beyond doubt."""
        return self.standing is Standing.HELD and self.is_fresh

    @property
    def may_claim(self) -> bool:
        """Whether we have been connected for long enough to judge others."""
        return self.is_held and self._is_settled(self._clock.monotonic())

    def now(self) -> float:
        """Return the time as Redis has it, so that a clock that is wrong here hides nobody."""
        if self._ahead is None:
            return self._clock.time()
        return self._clock.monotonic() + self._ahead

    async def beat(self) -> Standing:
        """Renew the lease, or find out why not.

        Raises:
            Exception: Redis did not answer in time or refused; `failed` must be told.
        """
        sent = self._clock.monotonic()
        try:
            with anyio.fail_after(self.seconds / 3):
                word, seconds, micros = await self._ask(self._is_settled(sent))
        except NoPermissionError:
            self._answer(Standing.UNFENCED, sent)
            return self.standing
        self._ahead = int(seconds) + int(micros) / 1e6 - (sent + self._clock.monotonic()) / 2
        self._answer(_STANDINGS[word], sent, lapsed=word == b"acquired")
        return self.standing

    def failed(self, error: str) -> None:
        """Note that a beat failed: the connection was interrupted."""
        self.error = error
        self._since = None

    async def begin_anew(self) -> None:
        """Begin another life, after the one before was claimed and has ended.

        Raises:
            Exception: Redis does not answer; the new life has begun nevertheless.
        """
        before, self.token = self.token, uuid4().hex
        self.standing = Standing.UNKNOWN
        await self._store.call("SREM", self._keys.claimed, before)

    async def permit(self) -> bool:
        """Wait until presence may be written; return whether with records.

        Raises:
            LeaseUnknown: Redis has not answered lately, or this node was just claimed.
        """
        token = self.token
        with anyio.move_on_after(_WAIT_SECONDS):
            while self.standing in _UNSETTLED or not self.is_fresh:
                await self._beaten.wait()
                if token != self.token:
                    break
        if token != self.token or self.standing in _UNSETTLED or not self.is_fresh:
            raise LeaseUnknown
        return self.standing is Standing.HELD

    async def owns(self) -> bool:
        """Ask whether the records in Redis are those of this life."""
        return bool(await self._store.call("GET", self._keys.owner) == self.token.encode())

    async def release(self) -> bool:
        """Give the lease and the records up; return whether nothing is left for others to do."""
        keys = self._keys
        answer = await self._store.script(
            RELEASE, (keys.lease, keys.owner, keys.conns, keys.claims), self.token
        )
        return bool(answer == 1)

    async def _ask(self, settled: bool) -> tuple[bytes, bytes, bytes]:  # noqa: FBT001
        keys = self._keys
        names = (keys.lease, keys.owner, keys.conns, keys.claims, keys.claimed)
        milliseconds = int(self.seconds * 1000)
        word, seconds, micros = await self._store.script(
            BEAT,
            (*names, keys.claim(uuid4().hex)),
            self.token,
            milliseconds,
            int(settled),
            CLAIMED_SECONDS,
        )
        return word, seconds, micros

    def _answer(self, standing: Standing, sent: float, *, lapsed: bool = False) -> None:
        """Take note of an answer; a lapse of our own lease is an interruption like any other."""
        broken = lapsed and self.standing is Standing.HELD
        if self._since is None or broken or not self.is_fresh:
            self._since = sent
        self.standing = standing
        self.error = ""
        self._answered_at = sent
        self._beaten.set()
        self._beaten = asyncio.Event()

    def _is_settled(self, now: float) -> bool:
        return self._since is not None and self.is_fresh and now - self._since >= self.seconds


_UNSETTLED: Final = frozenset({Standing.UNKNOWN, Standing.CLAIMED})
_STANDINGS: Final = {
    b"renewed": Standing.HELD,
    b"acquired": Standing.HELD,
    b"succeeded": Standing.HELD,
    b"duplicate": Standing.DUPLICATE,
    b"waiting": Standing.WAITING,
    b"claimed": Standing.CLAIMED,
}
