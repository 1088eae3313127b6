"""Timers in slots, pings, and credentials that end."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.doubles import FakeClock, FakeSocket

from gatewright.server.keepalive import Keepalive
from gatewright.server.wheel import TimerWheel


@given(st.lists(st.floats(0, 100), max_size=20), st.lists(st.floats(0.01, 30), max_size=20))
def test_timers_are_never_early_and_at_most_a_tick_late(delays, steps):
    clock = FakeClock()
    wheel = TimerWheel(clock, tick=0.25, slots=16)
    called = {}
    for number, delay in enumerate(delays):
        wheel.after(delay, lambda number=number: called.setdefault(number, clock.now))
    for step in [*steps, 200]:
        before = clock.now
        clock.sleep(step)
        wheel.advance()
        for number, at in called.items():
            if at == clock.now:
                assert clock.now - 1000 >= delays[number] - 1e-6
                assert before - 1000 <= delays[number] + 0.5
    assert len(called) == len(delays)


def test_a_cancelled_timer_is_silent():
    clock = FakeClock()
    wheel = TimerWheel(clock)
    called = []
    wheel.after(1, lambda: called.append(1)).cancel()
    wheel.after(1, lambda: called.append(2))
    clock.sleep(2)
    wheel.advance()
    assert called == [2]


@dataclass
class Watched(FakeSocket):
    keepalive: Keepalive | None = None
    heard: bool = False
    pinged: bool = False
    due: int = -1
    pings: int = 0

    def ping(self):
        self.pings += 1

    def fire(self):
        self.keepalive.check(self)


def watched(wheel, interval, timeout, **fields):
    socket = Watched(keepalive=Keepalive(wheel, interval=interval, timeout=timeout), **fields)
    socket.keepalive.watch(socket)
    return socket


@pytest.fixture
def clock():
    return FakeClock()


def pass_time(clock, wheel, seconds):
    for _ in range(int(seconds)):
        clock.sleep(1)
        wheel.advance()


def test_who_answers_is_pinged_each_interval(clock):
    wheel = TimerWheel(clock)
    socket = watched(wheel, 10, 5)
    for _ in range(100):
        pass_time(clock, wheel, 1)
        socket.heard = True
    assert socket.closed is None
    assert 8 <= socket.pings <= 10


def test_who_sends_nothing_back_is_closed(clock):
    wheel = TimerWheel(clock)
    socket = watched(wheel, 10, 5)
    pass_time(clock, wheel, 14)
    assert socket.closed is None
    pass_time(clock, wheel, 3)
    assert socket.closed == (1011, "no pong")


def test_a_paused_socket_is_not_judged(clock):
    wheel = TimerWheel(clock)
    socket = watched(wheel, 10, 5, paused=True)
    pass_time(clock, wheel, 60)
    assert (socket.closed, socket.pings) == (None, 0)


def test_an_interval_of_0_means_no_pings(clock):
    wheel = TimerWheel(clock)
    socket = watched(wheel, 0, 5)
    pass_time(clock, wheel, 60)
    assert (socket.closed, socket.pings) == (None, 0)


def test_a_forgotten_socket_is_left_alone(clock):
    wheel = TimerWheel(clock)
    socket = watched(wheel, 1, 1)
    socket.keepalive.forget(socket)
    pass_time(clock, wheel, 10)
    assert (socket.closed, socket.pings) == (None, 0)
