"""How events come: by webhook, or from a broker while the application runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from gatewright_sdk import Events, RabbitMqConsumer, RedisStreamConsumer, WebhookReceiver
from gatewright_sdk.config import (
    EventsSettings,
    RabbitMqEventsSettings,
    RedisEventsSettings,
    WebhookSettings,
)

__all__ = ["consuming", "receiver"]


def receiver(events: Events[str], settings: EventsSettings) -> WebhookReceiver:
    """Return what answers webhooks: with 404 where events come in another way."""
    if not isinstance(settings, WebhookSettings):
        return WebhookReceiver(events, enabled=False)
    return WebhookReceiver(
        events,
        secrets=settings.secrets,
        tolerance_seconds=settings.tolerance_seconds,
        enabled=settings.enabled,
        insecure=settings.insecure,
    )


@asynccontextmanager
async def consuming(
    events: Events[str], settings: EventsSettings, failed: Callable[[BaseException], None]
) -> AsyncIterator[None]:
    """Consume from a broker, where events come from one; at the end, finish what is under way.

    Args:
        events: Who is told.
        settings: Where they come from.
        failed: Called once with the reason where the broker will not have it.
    """
    consumer = _consumer(events, settings)
    if consumer is None:
        yield
        return

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            failed(error)

    running = asyncio.create_task(consumer.run())
    running.add_done_callback(ended)
    try:
        yield
    finally:
        consumer.stop()
        try:
            await asyncio.wait([running])
        finally:
            running.cancel()


def _consumer(
    events: Events[str], settings: EventsSettings
) -> RedisStreamConsumer | RabbitMqConsumer | None:
    match settings:
        case RedisEventsSettings():
            return RedisStreamConsumer(
                events,
                dsn=settings.dsn,
                streams=settings.streams,
                group=settings.group,
                consumer=settings.consumer,
                start=settings.start,
                dead_letter_stream=settings.dead_letter_stream,
            )
        case RabbitMqEventsSettings():
            return RabbitMqConsumer(
                events,
                dsn=settings.dsn,
                exchange=settings.exchange,
                queue=settings.queue,
                routing_key=settings.routing_key,
                dead_letter_queue=settings.dead_letter_queue,
            )
        case _:
            return None
