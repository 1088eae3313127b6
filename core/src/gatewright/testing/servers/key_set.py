"""A server of key sets (JWKS), as an identity provider has one."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from gatewright.testing.ports import LOOPBACK
from gatewright.testing.servers.scripted import Answer, Request, Script, answering

__all__ = ["KeySetServer"]

PATH: Final = "/.well-known/jwks.json"


class KeySetServer:
    """Answers with a key set, or by a script, and remembers the requests.

    Attributes:
        port: Where it listens.
        script: What answers; may be replaced at any time.
        requests: What came, in order.
        asked: Set by every request; clear it to wait for another.
    """

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[Request] = []
        self.asked = asyncio.Event()
        self.script: Script
        self.serve()

    @classmethod
    @asynccontextmanager
    async def start(cls, *, port: int = 0) -> AsyncIterator[KeySetServer]:
        """Serve an empty key set until told otherwise, on a free port unless one is given."""
        server = cls()
        async with answering(server._answer, port) as server.port:
            yield server

    @property
    def url(self) -> str:
        """The address of the key set, such as for ``auth.jwt.jwks_url``."""
        return f"http://{LOOPBACK}:{self.port}{PATH}"

    def serve(self, *keys: Mapping[str, Any]) -> None:
        """Answer with a set of these public keys, as JWKs, from now on."""
        answer = Answer.of({"keys": list(keys)})
        self.script = lambda _request, _number: answer

    async def _answer(self, request: Request) -> Answer:
        number = len(self.requests)
        self.requests.append(request)
        self.asked.set()
        answer = self.script(request, number)
        return await answer if inspect.isawaitable(answer) else answer
