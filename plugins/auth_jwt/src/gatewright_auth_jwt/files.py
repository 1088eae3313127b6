"""Files with keys, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from gatewright import StartError

__all__ = ["KeyFileError", "write_new", "write_over"]


class KeyFileError(StartError):
    """A file with a key cannot be read, written or used; never holds what is in it.

    Attributes:
        path: Which.
        why: What is the matter, and what to do.
    """

    def __init__(self, path: Path, why: str) -> None:
        self.path, self.why = path, why
        super().__init__(path, why)

    def __str__(self) -> str:
        return f"{self.path}: {self.why}"


def write_new(path: Path, content: bytes, mode: int) -> bool:
    """Write a file, or leave the one that is there alone; tell whether it was written.

    Of several who do so at once one wins, and nobody ever sees a part of the file.

    Raises:
        KeyFileError: It cannot be written.
    """
    with _written_beside(path, content, mode) as beside:
        try:
            os.link(beside, path)
        except FileExistsError:
            return False
    return True


def write_over(path: Path, content: bytes, mode: int) -> None:
    """Write a file in place of the one that may be there; nobody ever sees a part of it.

    Raises:
        KeyFileError: It cannot be written.
    """
    with _written_beside(path, content, mode) as beside:
        beside.replace(path)


@contextlib.contextmanager
def _written_beside(path: Path, content: bytes, mode: int) -> Iterator[Path]:
    """Write to a name of its own in the same folder, made where it is missing; remove it after."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield beside
    except FileExistsError:
        why = "cannot be written: its folder is a file"
        raise KeyFileError(path, why) from None
    except OSError as error:
        why = f"cannot be written: {error.strerror}"
        raise KeyFileError(path, why) from None
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()
