"""The end of the process, should everything else fail."""

from __future__ import annotations

import os
import threading
from types import SimpleNamespace

from gatewright.config.settings import CoreSettings, ServerSettings
from gatewright.server import serve as serve_module
from gatewright.server.serve import _watched_exit

SOON = CoreSettings(server=ServerSettings(drain_seconds=0, flush_seconds=0, open_seconds=0.01))


def test_a_stop_that_takes_too_long_ends_the_process_though_the_loop_stands_still(monkeypatch):
    ended = threading.Event()
    codes = []

    def end(code):
        codes.append(code)
        ended.set()

    monkeypatch.setattr(os, "_exit", end)
    monkeypatch.setattr(serve_module, "EXIT_GRACE_SECONDS", 0.01)
    with _watched_exit(SimpleNamespace(core=SOON)):
        assert ended.wait(5)  # nothing else runs on this thread
    assert codes == [1]


def test_a_stop_in_time_ends_nothing(monkeypatch):
    monkeypatch.setattr(os, "_exit", lambda _code: None)
    before = threading.active_count()
    with _watched_exit(SimpleNamespace(core=SOON)):
        (timer,) = (one for one in threading.enumerate() if isinstance(one, threading.Timer))
    timer.join(5)
    assert threading.active_count() == before
