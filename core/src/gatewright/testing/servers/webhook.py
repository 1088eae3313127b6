"""A backend's webhook receiver."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Final

from gatewright.testing.ports import LOOPBACK
from gatewright.testing.servers.scripted import Answer, Request, Script, answering

__all__ = ["WebhookServer"]

PATH: Final = "/internal/ws/events"


def _taken(_request: Request, _number: int) -> Answer:
    return Answer()


class WebhookServer:
    """Answers webhooks by a script, with 204 unless told otherwise, and remembers them.

    Attributes:
        port: Where it listens.
        script: What answers; may be replaced at any time.
        requests: What came, in order, whatever was answered.
        taken: Those that were answered with 2xx, in the order of the answers.
    """

    def __init__(self, script: Script = _taken) -> None:
        self.port = 0
        self.script = script
        self.requests: list[Request] = []
        self.taken: list[Request] = []
        self._news = asyncio.Condition()

    @classmethod
    @asynccontextmanager
    async def start(cls, script: Script = _taken, *, port: int = 0) -> AsyncIterator[WebhookServer]:
        """Serve until the end, on a free port unless one is given."""
        server = cls(script)
        async with answering(server._answer, port) as server.port:
            yield server

    @property
    def url(self) -> str:
        """The address for ``events.webhook.url``."""
        return f"http://{LOOPBACK}:{self.port}{PATH}"

    async def wait_for_requests(self, count: int, seconds: float = 15) -> Sequence[Request]:
        """Return the requests, once there are so many.

        Raises:
            AssertionError: They did not come in time.
        """
        return await self._until(self.requests, count, seconds)

    async def wait_for_events(self, count: int, seconds: float = 15) -> Sequence[Any]:
        """Return the events that were answered with 2xx, parsed, once there are so many.

        Raises:
            AssertionError: They did not come in time.
        """
        return [each.json() for each in await self._until(self.taken, count, seconds)]

    async def _until(
        self, requests: list[Request], count: int, seconds: float
    ) -> Sequence[Request]:
        try:
            async with asyncio.timeout(seconds), self._news:
                await self._news.wait_for(lambda: len(requests) >= count)
        except TimeoutError:
            message = f"only {len(requests)} of {count} within {seconds:g} s"
            raise AssertionError(message) from None
        return tuple(requests)

    async def _answer(self, request: Request) -> Answer:
        number = len(self.requests)
        self.requests.append(request)
        await self._tell()
        answer = self.script(request, number)
        if inspect.isawaitable(answer):
            answer = await answer
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            self.taken.append(request)
            await self._tell()
        return answer

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()
