"""Many commands in one round trip, an answer for each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from math import inf
from typing import Final, Protocol

from hiredis import pack_command
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from gatewright_redis_kit import AnyRedis

__all__ = ["ClusterWriter", "Command", "DirectWriter", "Writer", "writer_for"]

Command = tuple[bytes | str | int, ...]

_LATE: Final = "no answer within {:g} s"


class Writer(Protocol):
    """Writes commands; no command is ever repeated, for what timed out may have been done."""

    async def write(self, commands: Sequence[Command]) -> Sequence[object]:
        """Carry out ``commands`` in their order and return their answers; errors are among them.

        Safe from many tasks. Being cancelled leaves open which were carried out.

        Raises:
            RedisError: Which were carried out is not known.
            OSError: As above.
        """
        ...


class DirectWriter:
    """Packs a whole batch in C and reads its answers under one deadline.

    redis-py's own pipeline packs in Python and sets a timer for each answer: about four times the
    work for an event.
    """

    def __init__(self, client: Redis, timeout: float) -> None:
        self._pool = client.connection_pool
        self._timeout = timeout

    async def write(self, commands: Sequence[Command]) -> Sequence[object]:
        """Do as `Writer.write` says, within ``timeout``."""
        packed = b"".join([pack_command(command) for command in commands])  # type: ignore[arg-type]
        try:
            async with asyncio.timeout(self._timeout):
                return await self._exchange(packed, len(commands))
        except TimeoutError:
            raise RedisTimeoutError(_LATE.format(self._timeout)) from None

    async def _exchange(self, packed: bytes, count: int) -> Sequence[object]:
        connection: AbstractConnection = await self._pool.get_connection()  # type: ignore[no-untyped-call]
        try:
            await connection.send_packed_command([packed])
            return [await _answer(connection) for _ in range(count)]
        except BaseException:  # answers may still come: nobody else may read them
            await connection.disconnect(nowait=True)
            raise
        finally:
            await self._pool.release(connection)


class ClusterWriter:
    """Writes through the client's own pipeline, which knows where each key is."""

    def __init__(self, client: RedisCluster) -> None:
        self._client = client

    async def write(self, commands: Sequence[Command]) -> Sequence[object]:
        """Do as `Writer.write` says; each command has the client's own timeout."""
        async with self._client.pipeline(transaction=False) as pipe:
            for command in commands:
                pipe.execute_command(*command)
            answers: Sequence[object] = await pipe.execute(raise_on_error=False)
        return answers


def writer_for(client: AnyRedis, timeout: float) -> Writer:
    """Return what writes through ``client``."""
    if isinstance(client, Redis):
        return DirectWriter(client, timeout)
    return ClusterWriter(client)


async def _answer(connection: AbstractConnection) -> object:
    """Read one answer; the deadline is the caller's."""
    try:
        return await connection.read_response(timeout=inf)
    except ResponseError as error:
        return error
