"""A backend on the SDK that misunderstands it."""

from __future__ import annotations

from gatewright_sdk import (
    Connected,
    Events,
    HttpTransport,
    MessageReceived,
    Presence,
    Publication,
    Publisher,
    RedisStreamConsumer,
)
from gatewright_sdk.config import HttpSettings


async def load_user(user_id: str) -> int:
    return int(user_id)


events = Events(resolve_user=load_user)


@events.on(Connected)  # wrong: mypy[arg-type] pyright[reportArgumentType]
async def takes_another(event: MessageReceived) -> None:
    print(event.message)


@events.on(MessageReceived)
async def takes_the_user_for_a_text(event: MessageReceived) -> None:
    user = await events.user(event)
    print(user.upper())  # wrong: mypy[attr-defined] pyright[reportAttributeAccessIssue]


async def publishing(publisher: Publisher) -> None:
    await publisher.publish(42, "hi")  # wrong: mypy[arg-type] pyright[reportArgumentType]
    sent = (await publisher.publish("a", "hi")).sent
    print(sent + 1)  # wrong: mypy[operator] pyright[reportOptionalOperand]
    await publisher.publish_many(
        ["a"],  # wrong: mypy[list-item] pyright[reportArgumentType]
    )


def making() -> None:
    HttpSettings(
        base_url="http://gateway",
        timeout_seconds="5",  # wrong: mypy[arg-type] pyright[reportArgumentType]
    )
    HttpTransport("http://gateway")  # wrong: mypy[arg-type] pyright[reportArgumentType]
    Publication("user:42", 1)  # wrong: mypy[arg-type] pyright[reportArgumentType]
    RedisStreamConsumer(events, streams=5)  # wrong: mypy[arg-type] pyright[reportArgumentType]


async def asking(presence: Presence) -> None:
    for connection in await presence.connections():
        print(connection.last_seen_at + 1)  # wrong: mypy[operator] pyright[reportOptionalOperand]
        connection.user_id = "7"  # wrong: mypy[misc] pyright[reportAttributeAccessIssue]
    if presence.is_online("42"):  # wrong: mypy[truthy-bool] pyright[reportUnnecessaryComparison]
        await presence.connections("room:7")  # wrong: mypy[call-arg] pyright[reportCallIssue]
