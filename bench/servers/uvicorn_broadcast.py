"""The raw ASGI broadcast on uvicorn, whose WebSockets are the sans-I/O ones of ``websockets``.

Run as ``python -m bench.servers.uvicorn_broadcast PORT``.
"""

from __future__ import annotations

import sys

import uvicorn

from bench.servers.messages import KEEP_ALIVE_SECONDS, run
from bench.servers.raw_asgi import app


def server_of(application: object, port: int) -> uvicorn.Server:
    """Return uvicorn for an application, with nothing switched on that costs and is not needed."""
    config = uvicorn.Config(
        application,  # type: ignore[arg-type] # plain ASGI, in words of its own
        host="127.0.0.1",
        port=port,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        backlog=4096,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        access_log=False,
        log_level="warning",
    )
    return uvicorn.Server(config)


if __name__ == "__main__":
    run(server_of(app, int(sys.argv[1])).serve())
