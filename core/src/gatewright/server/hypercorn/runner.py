"""Runs hypercorn on sockets that we bound, under our signals and our exit code."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from ssl import SSLError
from typing import TYPE_CHECKING, Any, Final, cast

from hypercorn.asyncio.run import worker_serve
from hypercorn.config import Config as HypercornConfig
from hypercorn.config import Sockets
from hypercorn.utils import wrap_app

from gatewright.errors import StartError
from gatewright.logs import get_logger
from gatewright.server.binding import Bound
from gatewright.server.hypercorn import mended
from gatewright.server.request_head import HEADER_BYTES

if TYPE_CHECKING:
    from gatewright.config.settings import LimitSettings, TlsSettings
    from gatewright.server.app import GatewayApp

__all__ = ["Listener", "hypercorn_config", "serving"]

BACKLOG: Final = 1024
LAST_WORDS_SECONDS: Final = 2.0
TOLD_SECONDS: Final = 10.0
NO_NEWS: Final = (SSLError, ConnectionError, TimeoutError, asyncio.CancelledError)
EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


@dataclass(frozen=True, slots=True)
class Listener:
    """One bound socket with what is served on it.

    Attributes:
        bound: The socket.
        app: What answers.
        config: How hypercorn serves it.
    """

    bound: Bound
    app: GatewayApp
    config: HypercornConfig


def hypercorn_config(limits: LimitSettings, tls: TlsSettings | None = None) -> HypercornConfig:
    """Return hypercorn's configuration for one bind.

    Raises:
        StartError: The certificate or the key cannot be used.
    """
    config = HypercornConfig()
    config.accesslog = None  # a request line may hold a token
    config.errorlog = logging.getLogger("hypercorn.error")
    config.backlog = BACKLOG
    config.include_server_header = False
    config.h11_max_incomplete_size = HEADER_BYTES
    config.keep_alive_timeout = limits.handshake_seconds
    config.ssl_handshake_timeout = limits.handshake_seconds
    config.websocket_max_message_size = limits.message_bytes
    config.graceful_timeout = LAST_WORDS_SECONDS
    if tls is not None:
        config.certfile, config.keyfile = str(tls.certificate), str(tls.key)
        _check_tls(config)
    return config


def _check_tls(config: HypercornConfig) -> None:
    try:
        config.create_ssl_context()
    except (OSError, SSLError) as error:
        problem = (error.strerror or type(error).__name__).lower()
        msg = f"server.tls: cannot use {config.certfile} with {config.keyfile}: {problem}"
        raise StartError(msg) from None


@asynccontextmanager
async def serving(
    listeners: Sequence[Listener],
) -> AsyncIterator[Sequence[asyncio.Task[None]]]:
    """Serve while the context lasts: listening from its start, every socket gone at its end.

    Yields:
        The tasks that serve, one for each listener; one that ends early serves no longer.

    Raises:
        CannotBind: Another process began to listen on an address in the meantime.
    """
    asyncio.get_running_loop().set_exception_handler(_LoopErrors())
    for listener in listeners:
        listener.bound.listen(BACKLOG)
    stop = asyncio.Event()
    with mended.installed():
        tasks = [asyncio.create_task(_serve(listener, stop)) for listener in listeners]
        try:
            yield tasks
        finally:
            stop.set()
            _, hanging = await asyncio.wait(tasks, timeout=2 * LAST_WORDS_SECONDS)
            for task in hanging:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _serve(listener: Listener, stop: asyncio.Event) -> None:
    """Run hypercorn's worker; its ``wait_closed`` may outlast every client on Python 3.12."""
    secure = listener.config.ssl_enabled
    sockets = Sockets(
        secure_sockets=[listener.bound.sock] if secure else [],
        insecure_sockets=[] if secure else [listener.bound.sock],
        quic_sockets=[],
    )
    app = wrap_app(cast("Any", listener.app), 0, "asgi")
    with suppress(asyncio.CancelledError):
        await worker_serve(app, listener.config, sockets=sockets, shutdown_trigger=stop.wait)


class _LoopErrors:
    """The loop's exception handler: the ends of connections, broken or cut, are no news.

    Without descriptors, ``accept`` fails thousands of times a second: that is told now and then.
    """

    def __init__(self) -> None:
        self._told_at = -TOLD_SECONDS

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, NO_NEWS):
            return
        if isinstance(error, OSError) and error.errno in EXHAUSTED:
            if loop.time() - self._told_at >= TOLD_SECONDS:
                self._told_at = loop.time()
                get_logger().error("no client can be accepted", error=error.strerror)
            return
        loop.default_exception_handler(context)
