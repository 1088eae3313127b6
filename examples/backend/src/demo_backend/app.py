"""The application: what there is, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Route

from demo_backend.api import Api
from demo_backend.chat import Chat
from demo_backend.chat_page import ChatPage
from demo_backend.hearing import consuming
from demo_backend.memory import LastMessage
from demo_backend.settings import BackendSettings
from demo_backend.web import EXCEPTION_HANDLERS
from gatewright_sdk import Events, MessageReceived, Presence, Publisher, WebhookReceiver
from gatewright_sdk.config import WebhookSettings

__all__ = ["WEBHOOK_PATH", "create_app"]

WEBHOOK_PATH = WebhookSettings().path


def _ignore(_error: BaseException) -> None:
    """Leave it to the log."""


def create_app(
    settings: BackendSettings, failed: Callable[[BaseException], None] = _ignore
) -> Starlette:
    """Return the application.

    Args:
        settings: Everything that can be set.
        failed: Called where events cannot come any more, with the reason.

    Raises:
        ConfigurationError: A part cannot be made of its settings.
    """
    publisher = Publisher.from_settings(settings.sdk)
    presence = Presence.from_settings(settings.sdk)
    events = Events()
    last = LastMessage()
    chat = Chat(publisher, presence)

    @events.on(MessageReceived)
    async def note(event: MessageReceived) -> None:
        last.note(event)

    chat.listen(events)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with publisher, presence, consuming(events, settings.sdk, failed):
            yield

    heard = settings.sdk.events
    path = heard.path if isinstance(heard, WebhookSettings) else WEBHOOK_PATH
    api = Api(publisher=publisher, presence=presence, last=last, demo_key=settings.demo_key)
    return Starlette(
        routes=[
            *api.routes(),
            *ChatPage(chat, settings).routes(),
            Route(path, WebhookReceiver.from_settings(events, settings.sdk)),
        ],
        lifespan=lifespan,
        exception_handlers=EXCEPTION_HANDLERS,
    )
