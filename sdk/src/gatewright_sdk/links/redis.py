"""A Redis: pooled connections, one timeout, errors of one kind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError

from gatewright_sdk.errors import ConfigurationError, Refused, Unavailable
from gatewright_sdk.links.addresses import redis_shown

__all__ = ["RedisLink", "client_of"]

_MOST_CONNECTIONS: Final = 50
"""Who finds all of them in use waits for one, unless the address has ``?max_connections=``."""

_PASSING: Final = ("LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "READONLY", "OOM")


class RedisLink:
    """Commands to one Redis. Safe from many tasks of one event loop.

    Attributes:
        client: Bytes in, bytes out; nothing is repeated by itself, because what was sent twice may
            be there twice.

    Args:
        dsn: ``redis://``, ``rediss://`` or ``unix://``.
        timeout_seconds: What a step within `answered` may take in all.

    Raises:
        ConfigurationError: The address is none.
    """

    def __init__(self, dsn: str, timeout_seconds: float) -> None:
        self.client: Redis = client_of(dsn, timeout_seconds)
        self._shown = redis_shown(dsn)
        self._timeout = timeout_seconds

    @asynccontextmanager
    async def answered(self) -> AsyncIterator[None]:
        """Hold what is within to the timeout, and turn the library's errors into this package's.

        Raises:
            Unavailable: Redis did not answer in time, or asks to try again.
            Refused: It will not do this.
        """
        try:
            async with asyncio.timeout(self._timeout):
                yield
        except TimeoutError:
            raise Unavailable(self._told(f"did not answer within {self._timeout:g} s")) from None
        except (AuthenticationError, NoPermissionError) as error:
            raise Refused(self._told(f"refuses: {error}")) from None
        except ResponseError as error:
            kind = Unavailable if str(error).startswith(_PASSING) else Refused
            raise kind(self._told(f"answers: {error}")) from None
        except (RedisError, OSError) as error:
            raise Unavailable(self._told(f"does not answer: {error}")) from None

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()

    def _told(self, what: str) -> str:
        return f"redis {self._shown} {what}"


def client_of(dsn: str, timeout_seconds: float) -> Redis:
    """Return a client that connects when it is used, and repeats nothing by itself.

    Args:
        dsn: ``redis://``, ``rediss://`` or ``unix://``.
        timeout_seconds: What connecting, an answer, and waiting for a connection may take each.

    Raises:
        ConfigurationError: The address is none, or has an option that the library does not know.
    """
    try:
        pool = BlockingConnectionPool.from_url(
            dsn,
            max_connections=_MOST_CONNECTIONS,
            timeout=timeout_seconds,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
    except ValueError:
        message = "dsn: must be redis://host:port/db, rediss://… or unix://path"
        raise ConfigurationError(message) from None
    try:
        pool.connection_class(**pool.connection_kwargs)  # otherwise told at the first command
    except TypeError:
        message = "dsn: what follows '?' has an option that is not known: leave it out"
        raise ConfigurationError(message) from None
    return Redis.from_pool(pool)
