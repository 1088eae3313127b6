"""The gate between requests and the core: open while the transport runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import anyio

from gatewright import GatewrightError, Publish, SendCommand

__all__ = ["Intake", "IntakeClosed"]

FINISH_SECONDS: Final = 5.0
"""How long requests that were taken may still be carried out once the gate is closed."""


class IntakeClosed(GatewrightError):
    """The gateway takes nothing: it is starting, or it is going away.

    Attributes:
        what: What it does not take.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(what)

    def __str__(self) -> str:
        return f"the gateway is not taking {self.what} now"


class Intake:
    """Lends the core's ``publish`` and ``command`` to requests, from start to drain."""

    def __init__(self, command: SendCommand) -> None:
        self._command = command
        self._publish: Publish | None = None
        self._lent = 0
        self._returned: anyio.Event | None = None

    async def run(self, publish: Publish) -> None:
        """Keep the gate open until cancelled.

        On cancellation new requests are refused at once, and those that were taken are waited
        for, at most `FINISH_SECONDS`.
        """
        self._publish = publish
        try:
            await anyio.sleep_forever()
        finally:
            self._publish = None
            await self._wait_for_lent()

    @contextmanager
    def lend(self) -> Iterator[Publish]:
        """Give out ``publish`` for one request, which may finish what it began.

        Raises:
            IntakeClosed: The gate is closed.
        """
        with self._lending("publications") as publish:
            yield publish

    @contextmanager
    def lend_command(self) -> Iterator[SendCommand]:
        """Give out ``command`` for one request, which may finish what it began.

        Raises:
            IntakeClosed: The gate is closed.
        """
        with self._lending("commands"):
            yield self._command

    @contextmanager
    def _lending(self, what: str) -> Iterator[Publish]:
        if self._publish is None:
            raise IntakeClosed(what)
        self._lent += 1
        try:
            yield self._publish
        finally:
            self._lent -= 1
            if self._returned is not None and not self._lent:
                self._returned.set()

    async def _wait_for_lent(self) -> None:
        if not self._lent:
            return
        self._returned = anyio.Event()
        with anyio.move_on_after(FINISH_SECONDS, shield=True):
            await self._returned.wait()
        self._returned = None
