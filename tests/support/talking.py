"""A scripted WebSocket server, for clients whose gateway is of no matter."""

from __future__ import annotations

import threading
from contextlib import contextmanager

from websockets.sync.server import serve


@contextmanager
def server(talk, **options):
    """A WebSocket server in a thread, on a free port; yields its address."""
    with serve(talk, "127.0.0.1", 0, **options) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        port = running.socket.getsockname()[1]
        try:
            yield f"ws://127.0.0.1:{port}/ws"
        finally:
            running.shutdown()
            thread.join()
