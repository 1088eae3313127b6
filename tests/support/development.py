"""A real ``gatewright dev`` in a process of its own, and what it prints."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

LAST_LINE = "Ctrl-C stops it."


class DevelopmentProcess:
    """A running ``gatewright dev``.

    Attributes:
        said: What it printed until it was ready, line by line.
        url: Where its page is, without the last slash.
    """

    def __init__(self, directory, *arguments):
        self.state = directory / "state"
        command = [sys.executable, "-m", "gatewright", "dev", "--bind", "127.0.0.1:0", *arguments]
        self.process = subprocess.Popen(
            command,
            cwd=directory,
            env=os.environ | {"STATE_DIRECTORY": str(self.state), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.logs = []
        self._reading = threading.Thread(target=lambda: self.logs.extend(self.process.stderr))
        self._reading.start()
        self.said = []
        for line in self.process.stdout:
            self.said.append(line.rstrip("\n"))
            if LAST_LINE in line:
                break
        self._events = threading.Thread(target=lambda: self.said.extend(self.process.stdout))
        self._events.start()
        assert self.process.poll() is None, "".join(self.logs)
        self.url = next(line for line in self.said if "is running" in line).split()[-1].rstrip("/")

    def after(self, words):
        """The lines below a heading, up to the next empty line."""
        start = next(index for index, line in enumerate(self.said) if words in line) + 1
        return self.said[start : self.said.index("", start)]

    def interrupt(self):
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def exited(self, seconds=20):
        code = self.process.wait(seconds)
        self._reading.join()
        self._events.join()
        return code


@contextmanager
def development(directory, *arguments):
    """Run ``gatewright dev`` on a free port; killed at the end if it still runs."""
    running = DevelopmentProcess(directory, *arguments)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.exited()
        running.process.stdout.close()
        running.process.stderr.close()
