"""Which of the connections that are written down are taken to be there still."""

from __future__ import annotations

from gatewright_sdk.config import Interpretation
from gatewright_sdk.model import Connection

__all__ = ["is_there"]


def is_there(connection: Connection, how: Interpretation, now: float) -> bool:
    """Tell whether a connection counts at ``now``, in seconds since 1970."""
    if how.strategy in {"none", "session"}:
        return True
    window = how.heartbeat_seconds if how.strategy == "heartbeat" else how.ttl_seconds
    seen = connection.last_seen_at if how.use_last_seen else None
    at = connection.connected_at if seen is None else seen
    return now - at <= window + how.grace_seconds
