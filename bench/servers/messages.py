"""What the peers in Python do with a message and a publication, as cheaply as can be."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import msgspec

__all__ = ["KEEP_ALIVE_SECONDS", "PONG", "frame_of", "is_ping", "run"]

KEEP_ALIVE_SECONDS: Final = 3600
"""How long a publisher may wait between two requests: longer than any run."""

PONG: Final = '{"type":"pong"}'


class _Publication(msgspec.Struct):
    payload: msgspec.Raw


_decode_publication: Final = msgspec.json.Decoder(_Publication).decode
_decode_message: Final = msgspec.json.Decoder().decode


def frame_of(body: bytes) -> bytes:
    """Return the text that clients get for a publication: built once, the payload's own bytes."""
    return b'{"type":"event","payload":' + bytes(_decode_publication(body).payload) + b"}"


def is_ping(text: str | bytes) -> bool:
    """Decode a client's message, and tell whether it wants a pong."""
    message = _decode_message(text)
    return isinstance(message, dict) and message.get("type") == "ping"


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run ``main`` on the loop that the gateway would use: uvloop where it is installed."""
    try:
        import uvloop  # noqa: PLC0415 (optional)
    except ImportError:
        asyncio.run(main)
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main)
