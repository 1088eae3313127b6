"""A Redis as a DSN describes it, and the clients that talk to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, SecretStr
from pydantic_core import PydanticCustomError
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from gatewright_redis_kit.certificates import check_certificates
from gatewright_redis_kit.dsn import BadDsn, Dsn, parse_dsn

__all__ = ["AnyRedis", "Connection", "RedisDsn"]

AnyRedis = Redis | RedisCluster

_NOT_A_DSN: Final = "redis_dsn"
_SLACK: Final = 3.0
_READ_BYTES: Final = 1 << 18


def _usable(value: SecretStr) -> SecretStr:
    try:
        parse_dsn(value.get_secret_value())
    except BadDsn as error:
        raise PydanticCustomError(_NOT_A_DSN, "{what}", {"what": str(error)}) from None
    return value


RedisDsn = Annotated[SecretStr, AfterValidator(_usable)]
"""A secret setting that holds the DSN of a Redis, of sentinels or of a cluster."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a Redis is and how to talk to it; makes clients, holds none.

    Every client answers in bytes, speaks RESP2 and **never repeats a command by itself**: a write
    that timed out may have been done, and only its caller knows whether it may be done again.
    """

    dsn: Dsn

    @classmethod
    def parse(cls, secret: SecretStr) -> Self:
        """Read a DSN.

        Raises:
            BadDsn: It is none.
        """
        return cls(parse_dsn(secret.get_secret_value()))

    @property
    def shown(self) -> str:
        """The address for logs and health, without secrets: ``redis:6379/0``."""
        return self.dsn.shown

    def check(self) -> None:
        """Read the certificate files that the DSN names. Blocks for as long as files take.

        Raises:
            UnusableCertificates: One cannot be used.
        """
        check_certificates(self.dsn.options)

    def commands(self, *, timeout: float = 5.0) -> AnyRedis:
        """Return a client for ordinary commands, each under ``timeout``; close it with `aclose`.

        Safe from many tasks. A cancelled command costs its connection, not the client.
        """
        return self._client({"socket_timeout": timeout, "socket_connect_timeout": timeout})

    def blocking(self, *, block_seconds: float) -> AnyRedis:
        """Return a client for reads that block up to ``block_seconds``, for one task alone."""
        return self._client(
            {
                "socket_timeout": block_seconds + _SLACK,
                "socket_connect_timeout": _SLACK,
                "socket_read_size": _READ_BYTES,
            }
        )

    def _client(self, timeouts: Mapping[str, Any]) -> AnyRedis:
        common: dict[str, Any] = {
            **self.dsn.options,
            **timeouts,
            "protocol": 2,
            "retry": Retry(NoBackoff(), 0),
        }
        match self.dsn.kind:
            case "cluster":
                nodes = [ClusterNode(host, port) for host, port in self.dsn.hosts]
                return RedisCluster(startup_nodes=nodes, **common)
            case "sentinel":
                return self._through_sentinels(common)
            case _:
                return self._single(common)

    def _single(self, common: dict[str, Any]) -> Redis:
        if self.dsn.path:
            return Redis(unix_socket_path=self.dsn.path, db=self.dsn.db, **common)
        ((host, port),) = self.dsn.hosts
        return Redis(host=host, port=port, db=self.dsn.db, **common)

    def _through_sentinels(self, common: dict[str, Any]) -> Redis:
        asking = {
            name: value
            for name, value in common.items()
            if name not in {"username", "password", "client_name", "socket_timeout"}
        }
        asking |= self.dsn.sentinel_options
        asking["socket_timeout"] = min(common["socket_timeout"], _SLACK)
        sentinel = Sentinel(list(self.dsn.hosts), sentinel_kwargs=asking)  # type: ignore[no-untyped-call]
        client: _SentinelRedis = sentinel.master_for(
            self.dsn.service, redis_class=_SentinelRedis, db=self.dsn.db, **common
        )
        client.sentinels = tuple(sentinel.sentinels)
        return client


class _SentinelRedis(Redis):
    """A client of the master that sentinels name; closes the clients that ask them, too."""

    sentinels: tuple[Redis, ...] = ()

    async def aclose(self, close_connection_pool: bool | None = None) -> None:  # noqa: FBT001
        await super().aclose(close_connection_pool)
        for sentinel in self.sentinels:
            await sentinel.aclose()
