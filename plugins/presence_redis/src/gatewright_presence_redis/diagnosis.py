"""What ``gatewright doctor`` looks at for this store."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gatewright import DiagnosisContext, Finding
from gatewright_presence_redis.keys import Keys
from gatewright_presence_redis.settings import RedisPresenceSettings
from gatewright_redis_kit import RedisNeeds, diagnose_redis

__all__ = ["diagnose"]


def diagnose(settings: RedisPresenceSettings, context: DiagnosisContext) -> AsyncIterator[Finding]:
    """Look at the Redis, and at the right to use the keys of this prefix."""
    return diagnose_redis(settings.dsn, _needs(Keys(settings.prefix), context.node_id), context)


def _needs(keys: Keys, node_id: str) -> RedisNeeds:
    own = keys.of(node_id)
    user, connection = keys.user("x"), keys.connection("x")
    kept = f"gatewright:{keys.prefix}*"
    return RedisNeeds(
        commands=[
            *_of_sets(user),
            *_of_sets(keys.nodes),
            *_of_hashes(connection),
            *_of_hashes(own.conns),
            ("GET", own.lease),
            ("EXISTS", own.lease),
            ("EXPIRE", user, "60"),
            ("DEL", connection),
            ("EVAL", "return 1", "1", own.lease),
            ("SCAN", "0"),
        ],
        types={
            user: "set",
            connection: "hash",
            keys.nodes: "set",
            own.conns: "hash",
            own.lease: "string",
        },
        patterns={
            user: f"{keys.prefix}*",
            connection: f"{keys.prefix}*",
            keys.nodes: kept,
            own.conns: kept,
            own.lease: kept,
        },
        expiring=True,
        version=(4, 0),
    )


def _of_sets(key: str) -> list[tuple[str, ...]]:
    return [("SADD", key, "x"), ("SREM", key, "x"), ("SMEMBERS", key), ("SSCAN", key, "0")]


def _of_hashes(key: str) -> list[tuple[str, ...]]:
    return [
        ("HSET", key, "x", "x"),
        ("HDEL", key, "x"),
        ("HGET", key, "x"),
        ("HMGET", key, "x"),
        ("HGETALL", key),
        ("HSCAN", key, "0"),
    ]
