"""What the event loop could tell nobody else."""

from __future__ import annotations

import asyncio
import errno
import os

import pytest
from structlog.testing import capture_logs

from gatewright.server.hypercorn.runner import TOLD_SECONDS, _LoopErrors


class Loop:
    def __init__(self):
        self.now = 100.0
        self.passed_on = []

    def time(self):
        return self.now

    def default_exception_handler(self, context):
        self.passed_on.append(context)


def out_of(number):
    return {"exception": OSError(number, os.strerror(number)), "message": "accept failed"}


def test_running_out_of_descriptors_is_told_now_and_then():
    loop, errors = Loop(), _LoopErrors()
    with capture_logs() as logs:
        for _ in range(3):
            for _ in range(1000):
                errors(loop, out_of(errno.EMFILE))
            loop.now += TOLD_SECONDS
    assert [one["event"] for one in logs] == ["no client can be accepted"] * 3
    assert loop.passed_on == []


@pytest.mark.parametrize(
    "error", [ConnectionResetError(), TimeoutError(), BrokenPipeError(), asyncio.CancelledError()]
)
def test_the_ends_of_connections_are_no_news(error):
    loop = Loop()
    with capture_logs() as logs:
        _LoopErrors()(loop, {"exception": error})
    assert (loop.passed_on, logs) == ([], [])


@pytest.mark.parametrize(
    "context", [{"message": "x"}, {"exception": ValueError()}, out_of(errno.EIO)]
)
def test_anything_else_is_told_as_ever(context):
    loop = Loop()
    _LoopErrors()(loop, context)
    assert loop.passed_on == [context]
