"""Commands to Redis, typed as little as the client allows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Final

from redis.asyncio import RedisCluster

from gatewright_redis_kit import AnyRedis

__all__ = ["AT_ONCE", "Command", "Store"]

Command = tuple[Any, ...]

AT_ONCE: Final = 1000
"""Commands in one pipeline, so that none keeps Redis from others for long."""


class Store:
    """A Redis or a cluster. Safe from many tasks; raises what the client raises."""

    def __init__(self, client: AnyRedis) -> None:
        self._client: Any = client
        self.is_cluster = isinstance(client, RedisCluster)

    async def call(self, *command: Any) -> Any:  # noqa: ANN401 - as the command answers
        """Send one command."""
        return await self._client.execute_command(*command)

    async def script(self, text: str, keys: Sequence[str], *arguments: Any) -> Any:  # noqa: ANN401
        """Run a script; all its keys are in one slot."""
        return await self._client.eval(text, len(keys), *keys, *arguments)

    async def pipelined(
        self, commands: Iterable[Command], *, raise_on_error: bool = True
    ) -> list[Any]:
        """Send commands in few round trips, in order (on a cluster: in order for each slot).

        Being cancelled, or an error, leaves open which of them were carried out.

        Args:
            commands: What to send.
            raise_on_error: Whether to raise the first error that Redis answers, after all were
                sent; else errors stand in the place of answers.
        """
        pending = list(commands)
        answers: list[Any] = []
        for start in range(0, len(pending), AT_ONCE):
            pipeline = self._client.pipeline(transaction=False)
            for command in pending[start : start + AT_ONCE]:
                pipeline.execute_command(*command)
            answers += await pipeline.execute(raise_on_error=raise_on_error)
        return answers

    async def all_keys(self, pattern: str) -> AsyncIterator[bytes]:
        """Go through the keys of all primaries of a cluster."""
        targets = {"target_nodes": RedisCluster.PRIMARIES} if self.is_cluster else {}
        async for key in self._client.scan_iter(match=pattern, count=AT_ONCE, **targets):
            yield key

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()
