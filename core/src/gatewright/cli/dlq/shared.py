"""What the commands of ``gatewright dlq`` have in common: options, errors, words."""

from __future__ import annotations

import base64
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from gatewright.cli.errors import NotPossible, WrongUse
from gatewright.cli.output import printable
from gatewright.model import StoredDeadLetter

__all__ = [
    "NEW",
    "From",
    "Keys",
    "KeysOrAll",
    "LastResort",
    "NoSuchLetter",
    "OnePlace",
    "Place",
    "moment",
    "number",
    "plain",
]

NEW: Final = "new"

Keys = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY", help="Keys as `dlq list` shows them.", show_default=False),
]
LastResort = Annotated[
    bool,
    typer.Option("--last-resort", help="Work on the local file that stands behind the store."),
]


From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="TRANSPORT",
        help="Work on what this transport's own broker keeps: redis_stream/eu.",
        show_default=False,
    ),
]


class OnePlace(WrongUse):
    """Both ``--from`` and ``--last-resort`` were given."""

    def __str__(self) -> str:
        return "gatewright dlq: takes either --from or --last-resort"


@dataclass(frozen=True, slots=True)
class Place:
    """Which dead letters are meant: by default those of the chosen store.

    Attributes:
        source: Those of this transport's broker.
        last_resort: Those of the local file behind the store.

    Raises:
        OnePlace: Both.
    """

    source: str | None = None
    last_resort: bool = False

    def __post_init__(self) -> None:
        if self.source is not None and self.last_resort:
            raise OnePlace


class KeysOrAll(WrongUse):
    """Neither keys nor ``--all`` were given, or both were."""

    def __init__(self, command: str) -> None:
        self.command = command
        super().__init__(command)

    def __str__(self) -> str:
        return f"gatewright dlq {self.command}: needs either keys or --all"


class NoSuchLetter(NotPossible):
    """The store holds nothing under these keys."""

    def __init__(self, keys: Collection[str]) -> None:
        self.keys = tuple(keys)
        super().__init__(self.keys)

    def __str__(self) -> str:
        keys = ", ".join(printable(key) for key in self.keys)
        return f"gatewright dlq: no dead letter with key {keys}; see gatewright dlq list"


def number(count: int) -> str:
    """Return ``1 dead letter``, ``2 dead letters``."""
    return f"{count} dead letter{'' if count == 1 else 's'}"


def moment(seconds: float) -> str:
    """Return a time as people here read it."""
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone():%Y-%m-%d %H:%M:%S}"


def plain(record: StoredDeadLetter) -> dict[str, Any]:
    """Return a dead letter as JSON values; a payload that is no text is base64 and says so."""
    letter = record.letter
    values: dict[str, Any] = {"key": record.key, "state": record.state}
    values |= {name: getattr(letter, name) for name in type(letter).__slots__ if name != "payload"}
    try:
        return values | {"payload": letter.payload.decode()}
    except UnicodeDecodeError:
        return values | {"payload_base64": base64.b64encode(letter.payload).decode()}
