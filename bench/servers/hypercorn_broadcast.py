"""The raw ASGI broadcast on hypercorn, what the gateway is served by.

Run as ``python -m bench.servers.hypercorn_broadcast PORT``.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import cast

from hypercorn.asyncio import serve
from hypercorn.config import Config
from hypercorn.typing import Framework

from bench.servers.messages import KEEP_ALIVE_SECONDS, run
from bench.servers.raw_asgi import app


async def main(port: int) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.backlog = 4096
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.graceful_timeout = 0.1
    config.accesslog = config.errorlog = None
    await serve(cast("Framework", app), config, shutdown_trigger=stop.wait)


if __name__ == "__main__":
    run(main(int(sys.argv[1])))
