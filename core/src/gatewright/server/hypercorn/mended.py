"""Hypercorn with what it does wrong mended, for as long as it serves.

Beside the WebSocket stream (`ws_stream`) and the idle connections (`idle`): cleartext HTTP/2 is
never spoken, HTTP/2 offers no WebSockets (what waits for a client that does not read has no bound
there), a client that hangs up is let go of at once, and `Ended` takes the place of the parser of a
connection that is over: hypercorn would go on with the requests that a client pipelined before it
left, or wait for ever until it may.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Final, cast

import h11
from h2.settings import SettingCodes
from hypercorn.asyncio import tcp_server as hypercorn_tcp
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.events import Closed
from hypercorn.protocol import h2 as hypercorn_h2
from hypercorn.protocol import h11 as hypercorn_h11
from hypercorn.protocol.h2 import H2Protocol
from hypercorn.protocol.h11 import H11Protocol

from gatewright.server.hypercorn.ended import Ended
from gatewright.server.hypercorn.idle import IdleTimer
from gatewright.server.hypercorn.ws_stream import GatewayWSStream

__all__ = ["installed"]


_read_data = TCPServer._read_data  # noqa: SLF001 - one module


async def _read_to_the_end(self: TCPServer) -> None:
    """Read, and let go of a client that has hung up; hypercorn keeps it for its idle time."""
    await _read_data(self)
    await self.idle_task.stop()


_recycle = H11Protocol._maybe_recycle  # noqa: SLF001 - one module
_handle = H11Protocol.handle


async def _recycle_or_end(self: Any) -> None:  # noqa: ANN401 - what it parses with is replaced
    """Go on with the connection's next request, or with none."""
    states = (self.connection.our_state, self.connection.their_state)
    if states != (h11.DONE, h11.DONE):
        self.connection = Ended()
    await _recycle(self)


async def _handle_or_end(self: Any, event: object) -> None:  # noqa: ANN401 - as above
    """Take what the connection saw; nothing is parsed after its end."""
    if isinstance(event, Closed):
        self.connection = Ended()
    await _handle(self, cast("Any", event))


_initiate = H2Protocol.initiate


async def _offer_no_sockets(self: H2Protocol, *args: Any) -> None:  # noqa: ANN401
    """Begin HTTP/2 without the setting that invites WebSockets (RFC 8441, section 3)."""
    del self.connection.local_settings[SettingCodes.ENABLE_CONNECT_PROTOCOL]
    await _initiate(self, *args)


async def _stay_on_http11(_self: object, _request: object) -> None:
    """Take the place of hypercorn's h2c upgrade: cleartext HTTP/2 is never spoken."""


_MENDED: Final[tuple[tuple[Any, str, object], ...]] = (
    (hypercorn_h11, "WSStream", GatewayWSStream),
    (hypercorn_h2, "WSStream", GatewayWSStream),
    (H11Protocol, "_check_protocol", _stay_on_http11),
    (H11Protocol, "_maybe_recycle", _recycle_or_end),
    (H11Protocol, "handle", _handle_or_end),
    (H2Protocol, "initiate", _offer_no_sockets),
    (TCPServer, "_read_data", _read_to_the_end),
    (hypercorn_tcp, "AsyncioSingleTask", IdleTimer),
)
_ORIGINAL: Final = tuple((owner, name, getattr(owner, name)) for owner, name, _ in _MENDED)


class _Users:
    """How many serve with hypercorn mended, in whichever order they come and go."""

    count: ClassVar = 0


@contextmanager
def installed() -> Iterator[None]:
    """Have hypercorn mended while the context lasts; several may, at a time."""
    _Users.count += 1
    _put(_MENDED)
    try:
        yield
    finally:
        _Users.count -= 1
        if not _Users.count:
            _put(_ORIGINAL)


def _put(values: Iterable[tuple[Any, str, object]]) -> None:
    for owner, name, value in values:
        setattr(owner, name, value)
