"""Small stand-ins for what surrounds a unit."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(eq=False)
class FakeSocket:
    """A socket that remembers what was done to it."""

    frames: list = field(default_factory=list)
    closed: tuple | None = None
    aborted: bool = False
    paused: bool = False
    buffered: int = 0

    @property
    def closing(self):
        return self.closed is not None

    def write(self, frame):
        self.frames.append(frame.text)

    def close(self, code, reason=""):
        self.closed = self.closed or (code, reason)

    def abort(self):
        self.aborted = True

    def pause_reading(self):
        self.paused = True

    def resume_reading(self):
        self.paused = False
