"""Keys that are fetched: one fetch at a time, by one task, for all who wait.

`JwksKeys.run` is the only one who fetches, so that a cancelled handshake cancels no fetch, and a
thousand tokens with an unknown key cost one. Everybody else asks it and waits for its next round.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, Protocol

import anyio
from jwt import PyJWK
from prometheus_client import CollectorRegistry, Counter
from structlog.typing import FilteringBoundLogger

from gatewright import AuthenticationError, AuthenticationUnavailable, Clock, Health
from gatewright_auth_jwt.jwks_endpoint import TIMEOUT_SECONDS, FetchFailed
from gatewright_auth_jwt.keys import KeySet

__all__ = ["Endpoint", "JwksKeys"]

COOLDOWN_SECONDS: Final = 10.0  # between a fetch and one that a token causes
ABSENT_SECONDS: Final = 30.0  # a key that is not in the set is not asked for again
MAX_ABSENT: Final = 1024
EAGER_SECONDS: Final = 60.0  # of an outage: retried at most 1 s apart, later at most 30 s
MAX_RETRY_SECONDS: Final = 30.0
WAIT_SECONDS: Final = TIMEOUT_SECONDS + 0.5

_Wanted = tuple[str, str | None]


class Endpoint(Protocol):
    """What fetches a key set."""

    @property
    def host(self) -> str:
        """Its address for people, without what could be secret."""
        ...

    async def fetch(self) -> KeySet:
        """Fetch once, within a deadline of its own.

        Raises:
            FetchFailed: It was not to be had.
        """
        ...


class JwksKeys:
    """A `KeySource` over an address; the last good keys stay in use while it is away."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        refresh_seconds: float,
        stale_seconds: float,
        clock: Clock,
        log: FilteringBoundLogger,
        metrics: CollectorRegistry,
    ) -> None:
        self._endpoint, self._clock = endpoint, clock
        self._log = log.bind(host=endpoint.host)
        self._refresh_seconds, self._stale_seconds = refresh_seconds, stale_seconds
        self._keys = _NO_KEYS
        self._fetched_at: float | None = None
        self._ended_at: float | None = None  # the last attempt, good or bad
        self._failing_since: float | None = None
        self._error = ""
        self._absent = _Absent()
        self._round = _Round()
        self._fetches = Counter(
            "gatewright_auth_jwt_key_fetches",
            "Fetches of the key set, by result.",
            ["result"],
            registry=metrics,
        )

    @property
    def keys(self) -> KeySet:
        """The keys in use now: another object once a fetch brought others, or all are too old."""
        if self._since(self._fetched_at) > self._stale_seconds:
            return _NO_KEYS
        return self._keys

    async def find(self, algorithm: str, kid: str | None) -> Sequence[PyJWK]:
        """Return the keys a token may be signed with, asking for a fetch where there is none.

        Waits at most 3.5 s; being cancelled leaves the fetch to the others who wait for it.

        Raises:
            AuthenticationError: ``key``: a key set that is fresh enough does not have it.
            AuthenticationUnavailable: ``key``: no such key set is to be had now.
        """
        found = self.keys.find(algorithm, kid)
        if not found and not self._is_known_absent((algorithm, kid)):
            if not await self._fetched():
                raise AuthenticationUnavailable(_KEY)
            found = self.keys.find(algorithm, kid)
            if not found:
                self._absent.add((algorithm, kid), self._clock.monotonic())
        if not found:
            raise AuthenticationError(_KEY)
        return found

    async def run(self) -> None:
        """Fetch at once, then again and again, or when asked, until cancelled."""
        while True:
            await self._attempt()
            with anyio.move_on_after(self._pause_seconds()):
                await self._round.wanted.wait()

    def health(self) -> Health:
        """Not ready before the first fetch, and once the last good one is too long ago."""
        host, error = self._endpoint.host, self._error
        if self._fetched_at is None:
            detail = f"no key set from {host} yet"
            return Health(ready=False, detail=f"{detail}: {error}" if error else detail)
        age = self._clock.monotonic() - self._fetched_at
        detail = f"the key set from {host} is {age:.0f} s old: {error}" if error else ""
        return Health(ready=age <= self._stale_seconds, detail=detail)

    def _is_known_absent(self, wanted: _Wanted) -> bool:
        """Tell whether fetching for a key that is not there would be no use, or too much."""
        if self._since(self._fetched_at) < COOLDOWN_SECONDS:
            return True
        return self._absent.holds(wanted, self._clock.monotonic())

    async def _fetched(self) -> bool:
        """Wait for the fetch under way, or ask for one; tell whether it brought a key set."""
        current = self._round
        if not current.under_way and self._since(self._ended_at) < COOLDOWN_SECONDS:
            return False  # it just failed, and is retried anyway
        current.wanted.set()
        with anyio.move_on_after(WAIT_SECONDS):
            await current.over.wait()
        return current.succeeded

    async def _attempt(self) -> None:
        current = self._round
        current.under_way = True
        try:
            keys = await self._endpoint.fetch()
        except FetchFailed as error:
            self._failed(str(error))
        else:
            self._succeeded(keys)
            current.succeeded = True
        finally:
            self._ended_at = self._clock.monotonic()
            self._round = _Round()
            current.over.set()

    def _succeeded(self, keys: KeySet) -> None:
        if self._error or self._fetched_at is None:
            self._log.info("key set fetched", algorithms=keys.algorithms)
        self._keys = self._keys.replaced_by(keys)
        self._fetched_at = self._clock.monotonic()
        self._failing_since, self._error = None, ""
        self._fetches.labels("ok").inc()

    def _failed(self, error: str) -> None:
        if error != self._error:
            self._log.warning("key set not fetched", error=error)
        if self._failing_since is None:
            self._failing_since = self._clock.monotonic()
        self._error = error
        self._fetches.labels("error").inc()

    def _pause_seconds(self) -> float:
        jitter = random.uniform(0.5, 1.0)  # noqa: S311 # spreads load, guards nothing
        if self._failing_since is None:
            return self._refresh_seconds * (0.8 + 0.2 * jitter)
        outage = self._since(self._failing_since)
        longest = 1.0 if outage < EAGER_SECONDS else min(MAX_RETRY_SECONDS, outage / 4)
        return longest * jitter

    def _since(self, moment: float | None) -> float:
        return _NEVER if moment is None else self._clock.monotonic() - moment


class _Round:
    """One attempt to fetch, from the end of the one before to its own end."""

    __slots__ = ("over", "succeeded", "under_way", "wanted")

    def __init__(self) -> None:
        self.wanted, self.over = anyio.Event(), anyio.Event()
        self.under_way = self.succeeded = False


class _Absent:
    """Keys that a fresh set did not have: for 30 s, and a bounded number of them."""

    __slots__ = ("_since",)

    def __init__(self) -> None:
        self._since: OrderedDict[_Wanted, float] = OrderedDict()

    def add(self, wanted: _Wanted, now: float) -> None:
        self._since[wanted] = now
        self._since.move_to_end(wanted)
        if len(self._since) > MAX_ABSENT:
            self._since.popitem(last=False)

    def holds(self, wanted: _Wanted, now: float) -> bool:
        return now - self._since.get(wanted, -_NEVER) < ABSENT_SECONDS


_KEY: Final = "key"
_NEVER: Final = float("inf")
_NO_KEYS: Final = KeySet(())
