"""The broker of a demonstration: one of its own, or one that the environment names."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from scripts.demo.errors import DemoError

from gatewright.testing.brokers.process import BrokerFailed
from gatewright.testing.brokers.rabbitmq_server import RabbitServer
from gatewright.testing.brokers.redis_server import RedisServer

__all__ = ["Broker", "running"]

_NAMED: Final = {"redis": "REDIS_DSN", "rabbitmq": "RABBITMQ_DSN"}


@dataclass(frozen=True, slots=True)
class Broker:
    """A server that runs.

    Attributes:
        kind: What it is.
        dsn: Its address.
        whose: Where it comes from, for people.
    """

    kind: Literal["redis", "rabbitmq"]
    dsn: str = field(repr=False)
    whose: str


@asynccontextmanager
async def running(kind: Literal["redis", "rabbitmq"], folder: Path) -> AsyncIterator[Broker]:
    """Use the server that ``REDIS_DSN`` or ``RABBITMQ_DSN`` names, else run one until the end.

    Args:
        kind: Which one.
        folder: Where its data and log go.

    Raises:
        DemoError: It is not installed, or does not start.
    """
    if given := os.environ.get(_NAMED[kind]):
        yield Broker(kind, given, f"the one in {_NAMED[kind]}")
        return
    try:
        starting = (
            RedisServer.start(folder / kind)
            if kind == "redis"
            else RabbitServer.start(folder / kind)
        )
        async with starting as server:
            yield Broker(kind, server.dsn, f"its own, on port {server.port}")
    except BrokerFailed as error:
        raise DemoError(_told(kind, str(error))) from error


def _told(kind: str, why: str) -> str:
    if "is not installed" not in why:
        return why
    return (
        f"{why}: install it, on Debian and Ubuntu with 'apt-get install {kind}-server' or "
        f"scripts/system-packages, or name a running one in {_NAMED[kind]}"
    )
