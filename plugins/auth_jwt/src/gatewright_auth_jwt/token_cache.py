"""Who tokens were found to be, for as long as checking them again could say nothing else.

What a token makes of a client is decided by its bytes, the settings, the keys in use and the time.
The settings never change. So a remembered identity is the answer of a fresh check while the keys
are the very ones it was checked with and the time is one at which the token is good. It is looked
up by the token's bytes, and not used in any other case:

- Every look compares the keys in use with those that everything here was checked with. Once they
  differ, all of it is gone before anything is found, whether its own key is among the new ones or
  not: a key may have another name now, or stand behind those that are tried. Key sources keep one
  object for as long as nothing about their keys changes, so that a set that was fetched again, the
  same, costs nothing here. Keys that became too old to be trusted are other keys in this, none.
- ``exp``, ``nbf`` and ``iat`` are compared with the clock, ``leeway`` included, at every look.
- Refusals are not remembered: a token that is not good now may be later, and whoever makes tokens
  up would fill the memory.

Tokens themselves are never kept. A digest stands for one, keyed by a secret of this process, so
that nobody can find two tokens with the same digest, or a token by its digest in a dump.
"""

from __future__ import annotations

import secrets
import sys
from collections import OrderedDict
from hashlib import blake2b
from typing import Final, NamedTuple

from gatewright import Clock, Identity
from gatewright_auth_jwt.keys import KeySet, KeySource

__all__ = ["Finding", "TokenCache"]

MAX_TOKEN: Final = 4096  # characters; a longer one is checked each time
DIGEST_BYTES: Final = 32
ENTRY_BYTES: Final = 512  # of memory, beside the identity's texts
MEAN_BYTES: Final = 2048  # of memory, for one entry with another


class Finding(NamedTuple):
    """What one check of a token found.

    Attributes:
        identity: Who it is.
        starts_at: The later of ``nbf`` and ``iat`` (POSIX seconds), 0 without them.
        ends_at: ``exp``; ``None``: never.
    """

    identity: Identity
    starts_at: float
    ends_at: float | None


class _Kept(NamedTuple):
    """A finding, and what it counts for: a text's size may grow once it was encoded."""

    finding: Finding
    bytes: int


class TokenCache:
    """Findings by the tokens' digests; the least recently used one goes first.

    It holds at most ``size`` findings, and at most 2 KiB of memory for one with another. Looking
    and remembering take the same time however many there are.
    """

    __slots__ = ("_bytes", "_clock", "_kept", "_keys", "_leeway", "_secret", "_size", "_source")

    def __init__(self, size: int, source: KeySource, *, leeway: float, clock: Clock) -> None:
        """Begin empty.

        Args:
            size: How many findings it holds at most; 0: it remembers nothing.
            source: Says which keys are in use.
            leeway: Seconds that clocks may differ.
            clock: The time.
        """
        self._size, self._source, self._leeway, self._clock = size, source, leeway, clock
        self._secret = secrets.token_bytes(DIGEST_BYTES)
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._bytes = 0
        self._keys: KeySet = source.keys

    def __len__(self) -> int:
        return len(self._kept)

    def digest(self, token: str) -> bytes | None:
        """Return what stands for a token here; ``None``: it is none that is remembered."""
        if not self._size or len(token) > MAX_TOKEN or not token.isascii():
            return None
        return blake2b(token.encode(), key=self._secret, digest_size=DIGEST_BYTES).digest()

    def find(self, digest: bytes | None) -> Identity | None:
        """Return who a token was found to be, where a check would find the same now."""
        self._forget_other_keys()
        if digest is None or (kept := self._kept.get(digest)) is None:
            return None
        identity, starts_at, ends_at = kept.finding
        now = self._clock.time()
        # As PyJWT compares them, so that both agree in the very second.
        is_over = ends_at is not None and ends_at <= now - self._leeway
        if is_over or starts_at > now + self._leeway:
            self._drop(digest)
            return None
        self._kept.move_to_end(digest)
        return identity

    def put(self, digest: bytes | None, finding: Finding, keys: KeySet) -> None:
        """Remember what a check with ``keys`` found, unless others are in use by now."""
        self._forget_other_keys()
        if digest is None or keys is not self._keys:
            return
        self._drop(digest)
        kept = _Kept(finding, _bytes_of(finding.identity))
        self._kept[digest] = kept
        self._bytes += kept.bytes
        while len(self._kept) > self._size or self._bytes > self._size * MEAN_BYTES:
            self._drop(next(iter(self._kept)))

    def _forget_other_keys(self) -> None:
        keys = self._source.keys
        if keys is not self._keys:
            self._kept.clear()
            self._bytes = 0
            self._keys = keys

    def _drop(self, digest: bytes) -> None:
        kept = self._kept.pop(digest, None)
        if kept is not None:
            self._bytes -= kept.bytes


def _bytes_of(identity: Identity) -> int:
    texts = (identity.user_id, *identity.subjects)
    return ENTRY_BYTES + sys.getsizeof(identity.subjects) + sum(map(sys.getsizeof, texts))
