"""What hypercorn parses once a connection is not its own any more."""

from __future__ import annotations

import h11

__all__ = ["Ended"]


class Ended:
    """What hypercorn parses once a connection is over: nothing comes, and nothing is sent."""

    our_state = None
    their_state = None
    they_are_waiting_for_100_continue = False
    trailing_data = (b"", False)

    def receive_data(self, data: bytes) -> None:
        """Forget what still comes in."""

    def next_event(self) -> object:
        """Have hypercorn read on, up to the connection's end."""
        return h11.NEED_DATA

    def send(self, event: object) -> bytes:
        """Send nothing."""
        del event
        return b""
