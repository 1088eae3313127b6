"""Dead letters in a local file: the store that is always there."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import anyio.to_thread
from pydantic import Field, NonNegativeInt, PositiveInt

from gatewright import (
    DeadLetter,
    DeadLetterStore,
    Factory,
    Health,
    PluginContext,
    Settings,
    StartError,
    StoredDeadLetter,
    hookimpl,
    state_directory,
)
from gatewright.builtin.dead_letter_journal import Journal

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

__all__ = [
    "GATEWRIGHT_API",
    "FileDeadLetters",
    "FileSettings",
    "Unwritable",
    "gatewright_dead_letters",
]

GATEWRIGHT_API: Final = (1, 0)

_MIB: Final = 1024 * 1024


def _default_path() -> Path:
    return state_directory() / "dead-letters.jsonl"


class FileSettings(Settings):
    """``dead_letters.file``: where the file is and how large it may grow."""

    path: Annotated[
        Path,
        Field(description="The file; default: dead-letters.jsonl in $STATE_DIRECTORY or ./var."),
    ] = Field(default_factory=_default_path)
    max_bytes: Annotated[PositiveInt, Field(description="Bytes at which the file is rotated.")] = (
        64 * _MIB
    )
    keep: Annotated[
        NonNegativeInt, Field(description="Rotated files that are kept; older ones are deleted.")
    ] = 8


class Unwritable(StartError):
    """The place for the dead letter file cannot be written to."""

    def __init__(self, path: Path, why: str) -> None:
        self.path, self.why = path, why
        super().__init__(path, why)

    def __str__(self) -> str:
        return f"dead letters cannot be written to {self.path}: {self.why}"


class FileDeadLetters:
    """Keeps dead letters as JSON lines in a file that several processes may share.

    All work is done in threads; nothing here blocks the loop. A key is a number as text.
    """

    def __init__(self, journal: Journal, log: FilteringBoundLogger) -> None:
        self._journal = journal
        self._log = log

    async def put(self, records: Sequence[DeadLetter]) -> None:
        """Write records down, all or none, in order, seen on the disk. Safe from many tasks.

        Being cancelled takes effect once the write is through.

        Raises:
            OSError: None was written; a `TimeoutError` where another process holds the file.
        """
        before = self._journal.dropped
        await anyio.to_thread.run_sync(self._journal.append, records)
        if dropped := self._journal.dropped - before:
            self._log.error("dead letters fell out of the oldest file", letters=dropped)

    async def read(self, after: str | None = None, limit: int = 100) -> Sequence[StoredDeadLetter]:
        """Return up to ``limit`` records in the order of writing, after the key ``after``.

        Raises:
            ValueError: ``after`` is no key of this store.
        """
        before = self._journal.skipped
        key = 0 if after is None else int(after)
        found = await anyio.to_thread.run_sync(self._journal.read, key, limit)
        if skipped := self._journal.skipped - before:
            self._log.warning("lines of the dead letter file cannot be read", lines=skipped)
        return found

    async def mark(self, key: str, state: str) -> None:
        """Give a record a state of at most 16 characters. An unknown key is no error.

        Raises:
            ValueError: The state is longer, or is not printable ASCII.
        """
        if key.isdecimal():
            await anyio.to_thread.run_sync(self._journal.mark, int(key), state)

    async def remove(self, keys: Sequence[str]) -> int:
        """Remove records for good and return how many there were."""
        numbers = frozenset(int(key) for key in keys if key.isdecimal())
        return await anyio.to_thread.run_sync(self._journal.remove, numbers)

    def health(self) -> Health:
        """Return what was skipped and dropped so far; a full disk shows where it is written."""
        facts = {"skipped": self._journal.skipped, "dropped": self._journal.dropped}
        return Health(ready=True, facts=facts)


def _check_writable(path: Path) -> None:
    """Make sure that the file can be written, without making it.

    Raises:
        Unwritable: It cannot.
    """
    try:
        _check_place(path)
    except PermissionError as error:
        raise Unwritable(path, "its directory may not be entered") from error


def _check_place(path: Path) -> None:
    if path.is_dir():
        raise Unwritable(path, "it is a directory")
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        raise Unwritable(path, "the file is not writable")
    nearest = next(each for each in path.parents if each.exists())
    if not nearest.is_dir():
        raise Unwritable(path, f"{nearest} is not a directory")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise Unwritable(path, f"the directory {nearest} is not writable")


@asynccontextmanager
async def _open(settings: FileSettings, context: PluginContext) -> AsyncIterator[FileDeadLetters]:
    path = settings.path.absolute()
    _check_writable(path)
    journal = Journal(path, max_bytes=settings.max_bytes, keep=settings.keep)
    yield FileDeadLetters(journal, context.log)


@hookimpl
def gatewright_dead_letters() -> Factory[FileSettings, DeadLetterStore]:
    """Declare the file of dead letters."""
    return Factory(settings=FileSettings, open=_open, summary="dead letters in a local file")
