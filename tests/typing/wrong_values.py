"""Values that are made or used otherwise than they are declared."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from gatewright import (
    Done,
    Event,
    Factory,
    Handshake,
    Health,
    Identity,
    NoSettings,
    Outcome,
    PluginContext,
    Publication,
    Reach,
    Retry,
)

REACH: Reach = "everywhere"  # wrong: mypy[assignment] pyright[reportAssignmentType]


def identity(handshake: Handshake) -> Identity:
    return Identity(
        handshake.query["token"],  # wrong: mypy[arg-type] pyright[reportArgumentType]
    )


def publication() -> Publication:
    return Publication(
        ("user:42",),
        {"hello": "world"},  # wrong: mypy[arg-type] pyright[reportArgumentType]
    )


def outcomes(batch: Sequence[Event]) -> Sequence[Outcome]:
    for event in batch:
        event.reason = "seen"  # wrong: mypy[misc] pyright[reportAttributeAccessIssue]
    return [
        Done(),
        "try again",  # wrong: mypy[list-item] pyright[reportReturnType]
        Retry(wait=1.0),  # wrong: mypy[call-arg] pyright[reportCallIssue]
    ]


def health() -> Health:
    return Health()  # wrong: mypy[call-arg] pyright[reportCallIssue]


async def publish(context: PluginContext) -> int:
    receipt = await context.publish(
        b"hello",  # wrong: mypy[arg-type] pyright[reportArgumentType]
    )
    return receipt.sent  # wrong: mypy[return-value] pyright[reportReturnType]


@asynccontextmanager
async def opened(_settings: NoSettings, context: PluginContext) -> AsyncIterator[object]:
    context.logger.info("open")  # wrong: mypy[attr-defined] pyright[reportAttributeAccessIssue]
    yield object()


FACTORY = Factory(
    settings=NoSettings,
    open=opened,
    summary="x",
    needs=frozenset({"everything"}),  # wrong: mypy[arg-type] pyright[reportArgumentType]
)
