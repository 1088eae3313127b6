"""A backend that uses the SDK otherwise than it is declared."""

from __future__ import annotations

from gatewright_sdk import (
    Connected,
    Events,
    HttpTransport,
    MessageReceived,
    Presence,
    Publication,
    Publisher,
    Settings,
    sync,
)
from gatewright_sdk.config import HttpSettings, Interpretation

events = Events()


@events.on(Connected)  # wrong: mypy[arg-type] pyright[reportArgumentType]
async def said(event: MessageReceived) -> None:
    print(event.raw)


@events.on(Connected)
async def came(event: Connected) -> None:
    print(event.message)  # wrong: mypy[attr-defined] pyright[reportAttributeAccessIssue]
    event.user_id = "43"  # wrong: mypy[misc] pyright[reportAttributeAccessIssue]


async def publish(publisher: Publisher) -> int:
    await publisher.publish(42, {})  # wrong: mypy[arg-type] pyright[reportArgumentType]
    await publisher.publish("a", {}, id=17)  # wrong: mypy[arg-type] pyright[reportArgumentType]
    told = await publisher.publish("a", 1)
    return told.sent  # wrong: mypy[return-value] pyright[reportReturnType]


async def ask(presence: Presence) -> bool:
    await presence.connections("room:7")  # wrong: mypy[call-arg] pyright[reportCallIssue]
    return presence.is_online("42")  # wrong: mypy[return-value] pyright[reportReturnType]


def rule(publication: Publication) -> int:
    return len(publication.subjects)


def choosing(http: HttpTransport) -> Publisher:
    return Publisher.choosing(
        {"http": http},
        rule,  # wrong: mypy[arg-type] pyright[reportArgumentType]
    )


def from_plain_code(settings: Settings) -> None:
    with sync.Publisher(
        Publisher.from_settings(settings)  # wrong: mypy[arg-type] pyright[reportArgumentType]
    ) as publisher:
        publisher.publish("a", 1)


HttpSettings()  # wrong: mypy[call-arg] pyright[reportCallIssue]
Interpretation(strategy="guess")  # wrong: mypy[arg-type] pyright[reportArgumentType]
