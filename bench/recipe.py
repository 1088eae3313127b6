"""What a server is started with, and how it is spoken to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bench.prepared import PLAIN, Dialect

__all__ = ["SENT", "Recipe"]

SENT: Final = '"sent":'
"""What stands before the number of deliveries in the answer to a publication."""


@dataclass(frozen=True)
class Recipe:
    """How one server is started and spoken to.

    Attributes:
        command: Program and arguments.
        port: Where it accepts WebSockets.
        publish_port: Where it takes publications over HTTP.
        publish_path: The path for that.
        publish_headers: What a publication needs beside the usual fields.
        sent: What stands before the number of deliveries in the answer to a publication.
        websockets: Paths with queries that clients open in turn.
        user_path: Path and query that make a client some user, with `{user}` for the id; None where
            publications have no subjects.
        dialect: What messages look like.
        ready_path: What answers 200 when it is ready; without one, a port that accepts is enough.
        metrics_path: Where it counts what it had to drop, if anywhere.
    """

    command: Sequence[str]
    port: int
    publish_port: int
    publish_path: str = "/publish"
    publish_headers: dict[str, str] = field(default_factory=dict)
    sent: str = SENT
    websockets: Sequence[str] = ("/",)
    user_path: str | None = None
    dialect: Dialect = PLAIN
    ready_path: str | None = None
    metrics_path: str | None = None
