"""A backend on the SDK, as a user would write it."""

from __future__ import annotations

from dataclasses import dataclass

from gatewright_sdk import (
    Commands,
    Connected,
    Connection,
    Disconnected,
    Event,
    Events,
    HttpTransport,
    MessageReceived,
    Presence,
    Publication,
    Publisher,
    RabbitMqConsumer,
    RedisStreamConsumer,
    RedisStreamTransport,
    Settings,
    WebhookReceiver,
)
from gatewright_sdk.config import HttpSettings, RedisStreamSettings
from gatewright_sdk.sync import Publisher as PlainPublisher


@dataclass
class User:
    id: str
    name: str


@dataclass
class Room:
    number: int

    def subject_key(self) -> str:
        return f"room:{self.number}"


async def load_user(user_id: str) -> User:
    return User(user_id, "Ada")


settings = Settings.from_env({"WS_GATEWAY_BASE_URL": "http://gateway:8000"})
events = Events(resolve_user=load_user)
plain = Events()


@events.on(MessageReceived)
async def said(event: MessageReceived) -> None:
    user = await events.user(event)
    print(user.name, event.message["text"], event.raw, event.delivery.id)


@events.on(Connected, Disconnected)
def moved(event: Connected | Disconnected) -> None:
    print(event.user_id, event.subjects)


@plain.on(Event)
async def anything(event: Event) -> None:
    print((await plain.user(event)).upper())


async def publishing() -> int | None:
    async with Publisher.from_settings(settings) as publisher:
        await publisher.send([Room(7), 42, "43"], {"n": [1, None]}, id="a")
        await publisher.publish_many([Publication.to("room:7", 1)])
        return (await publisher.publish("room:7", "hi")).sent


def choosing() -> Publisher:
    http = HttpTransport(HttpSettings(base_url="http://gateway:8000"))
    redis = RedisStreamTransport(RedisStreamSettings())
    return Publisher.choosing({"http": http, "redis": redis}, lambda each: each.id or "http")


async def commanding(transport: HttpTransport) -> bool:
    return (await Commands(transport).disconnect(user_id="42", code=4403)).exact


async def asking() -> list[Connection]:
    async with Presence.from_settings(settings) as presence:
        return await presence.connections(user_id=42)


async def hearing() -> None:
    answer = await WebhookReceiver(events, secrets=["s"]).receive([("a", "b")], b"{}")
    print(answer.status)
    await RedisStreamConsumer(events).run()
    await RabbitMqConsumer(plain).run()


def from_plain_code() -> None:
    with PlainPublisher.from_settings(settings) as publisher:
        publisher.send(42, "hi")
