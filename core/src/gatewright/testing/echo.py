"""``python -m gatewright.testing.echo``: a WebSocket echo server on either socket driver.

For conformance suites and measurements from outside. Anybody may connect, to any path.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from importlib import import_module

from gatewright.clock import SystemClock
from gatewright.config.settings import LimitSettings
from gatewright.server.app import GatewayApp
from gatewright.server.asgi import Receive, Scope, Send
from gatewright.server.binding import bind
from gatewright.server.drivers.asgi import AsgiDriver
from gatewright.server.drivers.direct import DirectDriver
from gatewright.server.drivers.direct_socket import Terms
from gatewright.server.drivers.door import Door
from gatewright.server.drivers.echo import EchoApp
from gatewright.server.hypercorn.runner import Listener, hypercorn_config, serving
from gatewright.server.keepalive import Keepalive
from gatewright.server.routes import http_app
from gatewright.wheel import TimerWheel
from gatewright.wire.deflate import Deflate

__all__ = ["main"]

SEND_BUFFER_BYTES = 64 * 1024 * 1024
DEFLATE_LEVEL = 3


class AnyPath(GatewayApp):
    """Takes WebSockets whatever their path."""

    def __init__(self, echo: EchoApp) -> None:
        super().__init__(http_app([]), None, "")
        self._echo = echo

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI scope."""
        if scope["type"] == "websocket":
            await self._echo(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m gatewright.testing.echo", description="Echo WebSocket messages."
    )
    parser.add_argument(
        "--bind", dest="address", default="127.0.0.1:9001", help="host:port (127.0.0.1:9001)"
    )
    parser.add_argument("--driver", choices=["direct", "asgi"], default="direct")
    parser.add_argument(
        "--max-bytes", type=int, default=16 * 1024 * 1024, help="of one message (16 MiB)"
    )
    parser.add_argument(
        "--ping-seconds", type=float, default=0.0, help="between pings; 0, the default: none"
    )
    parser.add_argument(
        "--deflate", action="store_true", help="agree to permessage-deflate (direct driver)"
    )
    return parser


async def serve(
    address: str, driver: str, max_bytes: int, ping_seconds: float, *, deflate: bool = False
) -> None:
    """Echo until SIGINT or SIGTERM.

    Args:
        address: ``host:port``; port 0 is any free one.
        driver: ``direct`` or ``asgi``.
        max_bytes: The largest message.
        ping_seconds: Between pings, or 0.
        deflate: Whether the direct driver agrees to compress, whatever the size.

    Raises:
        CannotBind: The address is taken, or not ours.
    """
    wheel = TimerWheel(SystemClock())
    keepalive = Keepalive(wheel, interval=ping_seconds, timeout=max(ping_seconds, 1.0))
    asgi = AsgiDriver(SEND_BUFFER_BYTES, keepalive, _nothing, _released)
    direct = DirectDriver(
        Terms(max_bytes, SEND_BUFFER_BYTES, keepalive, _nothing, _nothing, _released),
        Deflate(DEFLATE_LEVEL, 0) if deflate else None,
    )

    def door(receive: Receive, send: Send) -> Door:
        plain = asgi.door(receive, send)
        return (direct.door(send, plain) or plain) if driver == "direct" else plain

    bound = bind("--bind", address)
    config = hypercorn_config(LimitSettings(message_bytes=max_bytes))
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    turning = asyncio.create_task(wheel.run())
    try:
        async with serving([Listener(bound, AnyPath(EchoApp(door)), config)]):
            print(f"echoing at ws://{bound.address}/ with the {driver} driver", flush=True)  # noqa: T201
            await stop.wait()
    finally:
        turning.cancel()
        bound.sock.close()


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    options = _parser().parse_args(arguments)
    factory = asyncio.new_event_loop
    with contextlib.suppress(ImportError):
        factory = import_module("uvloop").new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(serve(**vars(options)))


def _nothing() -> None:
    """Nobody is to be told."""


def _released(_: str) -> None:
    """There are no places."""


if __name__ == "__main__":
    main(sys.argv[1:])
