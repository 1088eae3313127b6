"""``python -m demo_backend``: serve the application with hypercorn until told to stop.

Exit codes: 0 stopped by a signal; 2 the settings are wrong; 3 the address cannot be listened on, or
the broker will not give its events.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys

from hypercorn.asyncio import serve
from hypercorn.config import Config

from demo_backend.app import create_app
from demo_backend.settings import BackendSettings
from gatewright_sdk import ConfigurationError

WRONG_SETTINGS = 2
CANNOT_SERVE = 3


def main() -> int:
    """Read the environment and serve; return the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each publication otherwise
    try:
        settings = BackendSettings.from_env()
        return asyncio.run(_serve(settings))
    except ConfigurationError as error:
        for line in str(error).splitlines():
            _complain(line)
        return WRONG_SETTINGS


async def _serve(settings: BackendSettings) -> int:
    loop = asyncio.get_running_loop()
    stop: asyncio.Future[int] = loop.create_future()

    def end(code: int) -> None:
        if not stop.done():
            stop.set_result(code)

    def failed(error: BaseException) -> None:
        _complain(f"no events can come: {error}")
        end(CANNOT_SERVE)

    app = create_app(settings, failed)
    host, port = settings.bind
    try:
        listening = socket.create_server((host, port), family=_family(host))
    except OSError as error:
        number = error.errno or 0
        why = os.strerror(number) if number > 0 else error.strerror
        _complain(f"{host}:{port}: {why}; BACKEND_BIND takes another address")
        return CANNOT_SERVE
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end, 0)
    shown = f"[{host}]" if ":" in host else host
    print(f"demo backend: http://{shown}:{listening.getsockname()[1]}", flush=True)
    await serve(app, _config(listening), shutdown_trigger=lambda: asyncio.shield(stop))  # type: ignore[arg-type] # an ASGI application
    return await stop


def _complain(text: str) -> None:
    print(f"demo backend: {text}", file=sys.stderr)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _config(listening: socket.socket) -> Config:
    config = Config()
    config.bind = [f"fd://{listening.detach()}"]  # hypercorn closes it
    config.accesslog = None
    config.errorlog = None
    config.graceful_timeout = 2.0
    config.shutdown_timeout = 10.0
    return config


if __name__ == "__main__":
    sys.exit(main())
