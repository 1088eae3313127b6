"""A key in a file that may be replaced while the gateway runs."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread
from jwt import PyJWK
from structlog.typing import FilteringBoundLogger

from gatewright import AuthenticationError, Health
from gatewright_auth_jwt.key_text import key_set_from_text, secret_weakness
from gatewright_auth_jwt.keys import KeySet, UnusableKey

__all__ = ["KeyFile"]

POLL_SECONDS: Final = 1.0
MAX_BYTES: Final = 64 * 1024

_Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What a file held, and by what one notices that it holds something else."""

    stamp: _Stamp
    keys: KeySet
    weakness: str | None


class KeyFile:
    """A `KeySource` that reads its file again when it changes.

    A file that became unusable, or went away, leaves the keys as they are, is logged once and told
    by `health` until it is mended.
    """

    def __init__(
        self, path: Path, algorithms: Collection[str], *, log: FilteringBoundLogger
    ) -> None:
        """Read the file; small, so that this may run on the loop at start.

        Raises:
            UnusableKey: It cannot be read, or holds no key for the algorithms.
        """
        self._path, self._algorithms, self._log = path, algorithms, log
        self._loaded = _load(path, algorithms)
        self._seen: _Stamp | None = self._loaded.stamp
        self._trouble = ""
        self._warn_of_weakness()

    @property
    def keys(self) -> KeySet:
        """The keys in use now: another object once the file held another key."""
        return self._loaded.keys

    async def find(self, algorithm: str, kid: str | None) -> Sequence[PyJWK]:
        """Return the key where it fits the algorithm.

        Raises:
            AuthenticationError: ``key``: it does not fit.
        """
        found = self.keys.find(algorithm, kid)
        if not found:
            reason = "key"
            raise AuthenticationError(reason)
        return found

    async def run(self) -> None:
        """Look for a change about once a second, in a thread, until cancelled."""
        while True:
            await anyio.sleep(POLL_SECONDS)
            await self.poll()

    def health(self) -> Health:
        """Ready, always: there are keys. The detail says when they are not the file's."""
        return Health(ready=True, detail=self._trouble)

    async def poll(self) -> bool:
        """Look once; tell whether the file was read again."""
        stamp = await anyio.to_thread.run_sync(_stamp, self._path)
        if stamp == self._seen:
            return False
        self._seen = stamp
        try:
            loaded = await anyio.to_thread.run_sync(_load, self._path, self._algorithms)
        except UnusableKey as error:
            self._trouble = f"{self._path} changed and {error}; the key before it stays in use"
            self._log.warning("key file unusable", file=str(self._path), error=str(error))
            return False
        keys = self.keys.replaced_by(loaded.keys)
        self._loaded, self._seen, self._trouble = replace(loaded, keys=keys), loaded.stamp, ""
        self._log.info("key file read again", file=str(self._path))
        self._warn_of_weakness()
        return True

    def _warn_of_weakness(self) -> None:
        if self._loaded.weakness:
            self._log.warning("weak secret", file=str(self._path), detail=self._loaded.weakness)


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _load(path: Path, algorithms: Collection[str]) -> _Loaded:
    text, stamp = _read(path)
    return _Loaded(stamp, key_set_from_text(text, algorithms), secret_weakness(text, algorithms))


def _read(path: Path) -> tuple[str, _Stamp]:
    """Return the text without its last line break, and the stamp of exactly what was read."""
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            data = file.read(MAX_BYTES + 1)
        text = data.decode()
    except OSError as error:
        why = f"cannot be read: {error.strerror}"
        raise UnusableKey(why) from None
    except UnicodeDecodeError:
        why = "is not text"
        raise UnusableKey(why) from None
    if len(data) > MAX_BYTES:
        why = f"is larger than {MAX_BYTES // 1024} KiB"
        raise UnusableKey(why)
    return text.rstrip("\r\n"), (found.st_mtime_ns, found.st_ino, found.st_size)
