"""What gatewright's Redis plugins share: connections, streams, errors."""

from __future__ import annotations

from gatewright_redis_kit.cancellation import Cancellation
from gatewright_redis_kit.certificates import UnusableCertificates
from gatewright_redis_kit.connection import AnyRedis, Connection, RedisDsn
from gatewright_redis_kit.diagnosis import diagnose_redis
from gatewright_redis_kit.dsn import BadDsn
from gatewright_redis_kit.errors import UNAVAILABLE, describe
from gatewright_redis_kit.keys import key_beside
from gatewright_redis_kit.needs import RedisNeeds
from gatewright_redis_kit.position import Position, StreamInfo
from gatewright_redis_kit.reader import Entry, StreamReader
from gatewright_redis_kit.retry import Pauses

__all__ = [
    "UNAVAILABLE",
    "AnyRedis",
    "BadDsn",
    "Cancellation",
    "Connection",
    "Entry",
    "Pauses",
    "Position",
    "RedisDsn",
    "RedisNeeds",
    "StreamInfo",
    "StreamReader",
    "UnusableCertificates",
    "describe",
    "diagnose_redis",
    "key_beside",
]
