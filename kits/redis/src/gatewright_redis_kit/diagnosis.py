"""Looks at a Redis for ``gatewright doctor``, and changes nothing there.

Whether a command would be let through is seen by having it queued in a transaction that is then
discarded: Redis judges rights, memory and role when it queues.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final

from pydantic import SecretStr
from redis.asyncio import RedisCluster
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from gatewright import DiagnosisContext, Finding
from gatewright_redis_kit.certificates import UnusableCertificates
from gatewright_redis_kit.connection import Connection
from gatewright_redis_kit.errors import UNAVAILABLE
from gatewright_redis_kit.failing import failed
from gatewright_redis_kit.findings import judge_info, judge_rights, judge_time, judge_type
from gatewright_redis_kit.needs import RedisNeeds
from gatewright_redis_kit.terminal import Terminal

__all__ = ["diagnose_redis"]

TIMEOUT: Final = 4.0
REFUSALS: Final = ("NOPERM", "OOM", "READONLY", "MISCONF")


async def diagnose_redis(
    dsn: SecretStr, needs: RedisNeeds, context: DiagnosisContext
) -> AsyncGenerator[Finding]:
    """Connect as the plugin would, and yield what is found.

    Args:
        dsn: The plugin's option ``dsn``.
        needs: What it does there.
        context: What the plugin's own diagnosis got.
    """
    connection = Connection.parse(dsn)
    terminal = Terminal(connection.dsn)
    try:
        connection.check()
    except UnusableCertificates as error:
        yield Finding.error(
            "tls", str(error), fix=f"ls -l {error.path}, or another path in {context.key}.dsn"
        )
        return
    try:
        async with (
            _asking(connection, needs) as ask,
            aclosing(_looked(ask, connection, needs, terminal, context)) as findings,
        ):
            async for finding in findings:
                yield finding
    except UNAVAILABLE as error:
        yield failed(error, connection, terminal, f"{context.key}.dsn")


async def _looked(
    ask: _Ask,
    connection: Connection,
    needs: RedisNeeds,
    terminal: Terminal,
    context: DiagnosisContext,
) -> AsyncGenerator[Finding]:
    await ask("PING")
    yield Finding.ok("reach", f"{connection.shown} answers, and takes the login")
    before = context.clock.time()
    seconds, micros = await ask("TIME")
    offset = int(seconds) + int(micros) / 1e6 - (before + context.clock.time()) / 2
    yield judge_time(offset)
    for finding in judge_info(await _info(ask), needs, terminal, saves=await _saves(ask)):
        yield finding
    yield judge_rights(await _refused(ask, needs.commands), needs, terminal, context.key)
    for key, kind in needs.types.items():
        if key in needs.patterns:
            continue
        yield judge_type(key, kind, await _type(ask, key), terminal, context.key)


class _Ask:
    """One connection, one command at a time."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 - the client's, untyped
        self._connection = connection

    async def __call__(self, *command: str) -> Any:  # noqa: ANN401 - as the command answers
        await self._connection.send_command(*command)
        return await self._connection.read_response()


@asynccontextmanager
async def _asking(connection: Connection, needs: RedisNeeds) -> AsyncIterator[_Ask]:
    client: Any = connection.commands(timeout=TIMEOUT)
    try:
        if isinstance(client, RedisCluster):
            await client.initialize()
            node = client.get_node_from_key(next(iter(needs.types)))
            if node is None:
                message = "the cluster has no node for its keys"
                raise RedisConnectionError(message)
            one: Any = node.acquire_connection()
            await one.connect()
            yield _Ask(one)
        else:
            yield _Ask(await client.connection_pool.get_connection())
    finally:
        await client.aclose()


async def _info(ask: _Ask) -> dict[str, str] | None:
    """Return what the server tells of itself; ``None``: it tells us nothing."""
    try:
        text: bytes = await ask("INFO")
    except ResponseError:
        return None
    pairs = (line.partition(":") for line in text.decode(errors="replace").splitlines())
    return {name: value for name, _, value in pairs}


async def _saves(ask: _Ask) -> bool | None:
    """Tell whether snapshots are made; ``None``: the server does not say."""
    try:
        answer = await ask("CONFIG", "GET", "save")
    except ResponseError:
        return None
    return bool(answer and answer[1])


async def _refused(ask: _Ask, commands: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """Return the commands that would be refused, and why."""
    found = {}
    try:
        await ask("MULTI")
    except ResponseError as error:
        return {("MULTI",): str(error)}
    try:
        for command in commands:
            try:
                await ask(*command)
            except ResponseError as error:
                if _is_refusal(error):
                    found[command] = _reason(error)
    finally:
        await ask("DISCARD")
    return found


def _is_refusal(error: ResponseError) -> bool:
    return _reason(error).startswith(REFUSALS)


def _reason(error: ResponseError) -> str:
    """Return the server's words with their code, which the client takes off some of them."""
    name, text = type(error).__name__, str(error)
    code = {
        "NoPermissionError": "NOPERM ",
        "OutOfMemoryError": "OOM ",
        "ReadOnlyError": "READONLY ",
    }.get(name, "")
    return text if text.startswith(REFUSALS) else code + text


async def _type(ask: _Ask, key: str) -> str:
    """Return what a key holds; ``""``: nobody says."""
    try:
        answer: bytes = await ask("TYPE", key)
    except ResponseError:
        return ""
    return answer.decode()
