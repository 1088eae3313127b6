"""A backend on the SDK, as applications write one."""

from __future__ import annotations

from dataclasses import dataclass

from gatewright_sdk import (
    Connected,
    Connection,
    Disconnected,
    Event,
    Events,
    HttpTransport,
    MessageReceived,
    Presence,
    Publication,
    Published,
    Publisher,
    RedisStreamTransport,
    Settings,
    sync,
)
from gatewright_sdk.config import HttpSettings, RedisStreamSettings


@dataclass(frozen=True)
class User:
    name: str


@dataclass(frozen=True)
class Room:
    number: int

    def subject_key(self) -> str:
        return f"room:{self.number}"


async def load_user(user_id: str) -> User:
    return User(user_id)


events = Events(resolve_user=load_user)
plain = Events()


@events.on(MessageReceived)
async def said(event: MessageReceived) -> None:
    user = await events.user(event)
    print(user.name, event.message["text"], event.delivery.id)


@events.on(Connected, Disconnected)
def came_or_went(event: Connected | Disconnected) -> None:
    print(events.user_sync(event).name, event.connected_at)


@plain.on(Event)
async def anything(event: Event) -> None:
    print((await plain.user(event)).upper())


def rule(publication: Publication) -> str:
    return "sure" if publication.id else "fast"


async def publish(settings: Settings) -> int | None:
    async with Publisher.from_settings(settings) as publisher:
        await publisher.publish(["user:42", "room:7"], {"hello": "world"}, id="order-17")
        await publisher.publish_many([Publication.to("room:7", 1)])
        published: Published = await publisher.send([42, "43", Room(7)], [1, 2])
        return published.sent


def choosing() -> Publisher:
    http = HttpTransport(HttpSettings(base_url="http://gateway:8000"))
    redis = RedisStreamTransport(RedisStreamSettings())
    return Publisher.choosing({"fast": http, "sure": redis}, rule)


async def ask(settings: Settings) -> list[Connection]:
    async with Presence.from_settings(settings) as presence:
        if await presence.is_online(42) and await presence.count(subject="room:7") > 1:
            return await presence.connections(user_id="42")
        return []


def from_plain_code(settings: Settings) -> bool:
    with (
        sync.Publisher.from_settings(settings, subject_keys=str) as publisher,
        sync.Presence.from_settings(settings) as presence,
    ):
        return publisher.publish("user:42", None).duplicate or presence.is_online("42")
