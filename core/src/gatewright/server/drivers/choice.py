"""Which driver carries a socket, and what becomes of those that the direct one cannot take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from gatewright.errors import GatewrightError, StartError
from gatewright.model import Health

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from prometheus_client import Counter
    from structlog.typing import FilteringBoundLogger

    from gatewright.server.asgi import Receive, Send
    from gatewright.server.drivers.asgi import AsgiDriver
    from gatewright.server.drivers.direct import DirectDriver
    from gatewright.server.drivers.door import Door

__all__ = ["Drivers", "NotUsable", "Setting"]

Setting: TypeAlias = Literal["auto", "direct", "asgi"]


class NotUsable(GatewrightError):
    """The direct driver cannot be used here; the text says why."""


class Drivers:
    """Hands every handshake to the direct driver where that can be, else to plain ASGI.

    Args:
        setting: ``asgi`` never takes anything over.
        asgi: Carries what cannot be taken over.
        direct: Takes sockets over.
        opened: Counts sockets, by driver.
        log: Is told when the direct driver is out of use, and of the first socket it cannot take.
    """

    def __init__(
        self,
        setting: Setting,
        *,
        asgi: AsgiDriver,
        direct: DirectDriver,
        opened: Counter,
        log: FilteringBoundLogger,
    ) -> None:
        self._setting = setting
        self._asgi = asgi
        self._direct: DirectDriver | None = None if setting == "asgi" else direct
        self._by_asgi = opened.labels("asgi").inc
        self._by_direct = opened.labels("direct").inc
        self._trouble = ""
        self._not_taken = 0
        self._log = log

    @property
    def name(self) -> str:
        """The driver of sockets to come."""
        return "asgi" if self._direct is None else "direct"

    def door(self, receive: Receive, send: Send) -> Door:
        """Return the door of one ``websocket`` scope whose ``websocket.connect`` was received."""
        asgi = self._asgi.door(receive, send)
        door = None if self._direct is None else self._direct.door(send, asgi)
        if door is not None:
            self._by_direct()
            return door
        self._by_asgi()
        if self._direct is not None and not asgi.gone:
            self._fell_back()
        return asgi

    def _fell_back(self) -> None:
        """Note that one socket is not on its transport, though it was to be."""
        self._not_taken += 1
        if self._not_taken == 1:
            self._log.warning("a socket could not be taken over; plain ASGI carries it")

    async def try_out(self, test: Callable[[], Awaitable[None]]) -> None:
        """Find out whether the direct driver works here; before any client comes.

        Args:
            test: Raises `NotUsable` where it does not.

        Raises:
            StartError: It does not, and the setting demands it.
        """
        if self._direct is None:
            return
        try:
            await test()
        except NotUsable as error:
            if self._setting == "direct":
                message = f"server.socket_driver: direct cannot be used: {error}; auto falls back"
                raise StartError(message) from None
            self._direct, self._trouble = None, str(error)
            self._log.warning("plain ASGI carries the sockets", reason=str(error))
        self._log.info("socket driver", driver=self.name)

    def health(self) -> Health:
        """Tell which driver is in use, and why it is not the wanted one; ready with either."""
        facts: dict[str, str | int] = {"driver": self.name}
        if self._trouble:
            return Health(ready=True, detail=f"fell back to asgi: {self._trouble}", facts=facts)
        if not self._not_taken:
            return Health(ready=True, facts=facts)
        detail = f"{self._not_taken} sockets could not be taken over; plain ASGI carried them"
        return Health(ready=True, detail=detail, facts=facts)
