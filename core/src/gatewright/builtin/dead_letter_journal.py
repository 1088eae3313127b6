"""Dead letters as lines of files that several processes share; blocking, for use in threads.

A line is a JSON object that begins with a key and a state of fixed width, so that a record is
found by bisection and marked in place::

    {"key":"0000000000000017","state":"new             ","id":"…","reason":"age",…}

Keys grow in the order of writing, over rotations and removals too: the lock file holds the last
one given. Every operation opens the files anew under an exclusive lock on ``<path>.lock``. A line
that cannot be read, such as a write cut short by a crash, is skipped and counted.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from gatewright import DeadLetter, StoredDeadLetter
from gatewright.builtin.dead_letter_line import (
    NEW,
    STATE_AT,
    decode_line,
    encode_line,
    encode_state,
    key_of,
    state_of,
)

__all__ = ["Journal", "JournalLocked"]

_LOCK_SECONDS: Final = 5.0
_LOCK_PAUSE: Final = 0.01
_ENDLESS: Final = 10**16


class JournalLocked(TimeoutError):
    """Another process holds the file's lock for too long."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(path)

    def __str__(self) -> str:
        return f"{self.path} is locked by another process for {_LOCK_SECONDS:g} s"


class Journal:
    """One file of dead letters with those rotated away from it. Safe from threads and processes.

    Args:
        path: The file that is written; ``path.1`` is the last one rotated away.
        max_bytes: A file that would grow beyond this is rotated first.
        keep: How many rotated files are kept.

    Attributes:
        skipped: Lines that `read` could not read so far.
        dropped: Unmarked records that fell out with the oldest file so far.
    """

    def __init__(self, path: Path, *, max_bytes: int, keep: int) -> None:
        self.skipped = 0
        self.dropped = 0
        self._path = path
        self._max_bytes = max_bytes
        self._keep = keep

    def append(self, letters: Sequence[DeadLetter]) -> None:
        """Write letters at the end, all or none, and see them on the disk.

        Raises:
            OSError: None was written: the disk is full, the directory is not writable…
            JournalLocked: None was written: somebody holds the lock.
        """
        _make_directory(self._path.parent)
        with self._locked() as lock:
            last = self._last_key(lock)
            data = b"".join(encode_line(last + n, each) for n, each in enumerate(letters, start=1))
            if _size(self._path) and _size(self._path) + len(data) > self._max_bytes:
                self._rotate()
            _store(lock, last + len(letters))
            _append(self._path, data)

    def read(self, after: int, limit: int) -> list[StoredDeadLetter]:
        """Return up to ``limit`` records with keys above ``after``, the oldest first."""
        found: list[StoredDeadLetter] = []
        if not self._files():
            return found
        with self._locked():
            for path in self._files():
                with path.open("rb") as file:
                    file.seek(_find(file, after)[0])
                    for line in file:
                        if len(found) == limit:
                            return found
                        record = decode_line(line)
                        if record is None:
                            self.skipped += 1
                        else:
                            found.append(record)
        return found

    def mark(self, key: int, state: str) -> None:
        """Give a record a state, in place; an unknown key is no error.

        Raises:
            ValueError: The state does not fit into a line.
        """
        text = encode_state(state)
        if not self._files():
            return
        with self._locked():
            for path in self._files():
                with path.open("r+b") as file:
                    at = _locate(file, key)
                    if at is not None:
                        file.seek(at + STATE_AT)
                        file.write(text)
                        file.flush()
                        os.fdatasync(file.fileno())
                        return

    def remove(self, keys: Collection[int]) -> int:
        """Remove records for good and return how many there were."""
        if not self._files():
            return 0
        with self._locked() as lock:
            _store(lock, self._last_key(lock))
            return sum(_rewrite(path, keys) for path in self._files())

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        path = _beside(self._path, ".lock")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+b") as lock:
            end = time.monotonic() + _LOCK_SECONDS
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if time.monotonic() > end:
                        raise JournalLocked(self._path) from None
                    time.sleep(_LOCK_PAUSE)
                else:
                    break
            yield lock

    def _files(self) -> list[Path]:
        """Return the files there are, the oldest first."""
        rotated = [_beside(self._path, f".{number}") for number in self._rotated()]
        return [path for path in (*rotated, self._path) if path.exists()]

    def _rotated(self) -> list[int]:
        """Return the numbers of rotated files, the oldest first; of all, not only those kept."""
        suffixes = (each.name.rpartition(".")[2] for each in self._path.parent.glob("*.*"))
        numbers = {int(each) for each in suffixes if each.isdecimal()}
        return sorted(
            (each for each in numbers if _beside(self._path, f".{each}").exists()), reverse=True
        )

    def _last_key(self, lock: BinaryIO) -> int:
        """Return the last key given, even where the lock file was lost."""
        lock.seek(0)
        noted = lock.read().strip()
        last = int(noted) if noted.isdigit() else 0
        for path in reversed(self._files()):
            with path.open("rb") as file:
                written = _find(file, _ENDLESS)[1]
            if written:
                return max(last, written)
        return last

    def _rotate(self) -> None:
        for number in (*self._rotated(), 0):
            path = _beside(self._path, f".{number}") if number else self._path
            if number < self._keep:
                path.rename(_beside(self._path, f".{number + 1}"))
            else:
                with path.open("rb") as file:
                    self.dropped += sum(1 for line in file if state_of(line) == NEW)
                path.unlink()
        _sync_directory(self._path.parent)


def _find(file: BinaryIO, key: int) -> tuple[int, int]:
    """Bisect for where records with greater keys start, and the greatest key before that (or 0)."""
    low, high, before = 0, os.fstat(file.fileno()).st_size, 0
    while low < high:
        middle = (low + high) // 2
        found = _next_line(file, middle, high)
        if found is None or found[1] > key:
            high = middle
        else:
            _, before, low = found
    return low, before


def _next_line(file: BinaryIO, offset: int, end: int) -> tuple[int, int, int] | None:
    """Return start, key and end of the first line with a key that starts in ``offset…end``."""
    file.seek(max(offset - 1, 0))
    if offset:
        file.readline()
    while (start := file.tell()) < end:
        line = file.readline()
        key = key_of(line)
        if key is not None:
            return start, key, file.tell()
    return None


def _locate(file: BinaryIO, key: int) -> int | None:
    """Return where the record with this key starts, or ``None``."""
    size = os.fstat(file.fileno()).st_size
    found = _next_line(file, _find(file, key - 1)[0], size)
    return found[0] if found is not None and found[1] == key else None


def _append(path: Path, data: bytes) -> None:
    """Append to a file, durably; leave it as it was where that fails."""
    new = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            data = b"\n" + data
        try:
            _write(descriptor, data)
            os.fsync(descriptor)
        except BaseException:
            os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)
    if new:
        _sync_directory(path.parent)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _rewrite(path: Path, keys: Collection[int]) -> int:
    """Write a file again without some records, atomically; return how many were left out."""
    with path.open("rb") as file:
        if all(_locate(file, key) is None for key in keys):
            return 0
        file.seek(0)
        lines = file.readlines()
    kept = [line for line in lines if key_of(line) not in keys]
    if kept:
        _replace(path, kept)
    else:
        path.unlink()
    _sync_directory(path.parent)
    return len(lines) - len(kept)


def _replace(path: Path, lines: Sequence[bytes]) -> None:
    """Replace a file atomically; it stays its owner's, so that root may remove a gateway's."""
    draft = _beside(path, ".tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        owner = path.stat()
        with suppress(PermissionError):  # nobody but root can give a file away, nor has to
            os.fchown(out.fileno(), owner.st_uid, owner.st_gid)
        out.writelines(lines)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(path)


def _store(lock: BinaryIO, key: int) -> None:
    """Note the last key given."""
    lock.seek(0)
    lock.write(b"%020d\n" % key)
    lock.flush()


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _make_directory(path: Path) -> None:
    """Make a directory and those above it, for nobody else's eyes."""
    missing = [each for each in (path, *path.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
