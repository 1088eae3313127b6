"""Timers in slots, pings, and credentials that end."""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.doubles import FakeSocket

from gatewright.server.keepalive import Keepalive
from gatewright.testing.clock import FakeClock
from gatewright.wheel import NEVER, TimerWheel


class Alarm:
    """Notes when it went off, by the clock, and does what it is told to."""

    def __init__(self, clock, then=lambda: None):
        self.clock = clock
        self.then = then
        self.due = NEVER
        self.fired = []

    def fire(self):
        self.fired.append(self.clock.seconds)
        self.then()


@given(st.lists(st.floats(0, 100), max_size=20), st.lists(st.floats(0.01, 30), max_size=20))
def test_timers_are_never_early_and_at_most_a_tick_late(delays, steps):
    clock = FakeClock()
    wheel = TimerWheel(clock, tick=0.25, slots=16)
    alarms = [Alarm(clock) for _ in delays]
    for alarm, delay in zip(alarms, delays, strict=True):
        wheel.put(alarm, delay)
    for step in [*steps, 200]:
        before = clock.seconds
        clock.advance(step)
        wheel.advance()
        for alarm, delay in zip(alarms, delays, strict=True):
            if alarm.fired == [clock.seconds]:
                assert clock.seconds - 1000 >= delay - 1e-6
                assert before - 1000 <= delay + 0.5
    assert all(len(alarm.fired) == 1 for alarm in alarms)


def test_what_was_taken_off_is_silent_and_let_go():
    clock = FakeClock()
    wheel = TimerWheel(clock)
    gone, stays = Alarm(clock), Alarm(clock)
    wheel.put(gone, 1)
    wheel.put(stays, 1)
    wheel.take_off(gone)
    wheel.take_off(gone)
    watching = weakref.ref(gone)
    fired = gone.fired
    del gone
    assert watching() is None, "the wheel still holds it"
    clock.advance(2)
    wheel.advance()
    assert fired == []
    assert len(stays.fired) == 1
    assert stays.due == NEVER


def test_one_that_fires_may_take_others_off_or_put_them_back():
    clock = FakeClock()
    wheel = TimerWheel(clock)
    silenced, postponed, again = Alarm(clock), Alarm(clock), Alarm(clock)

    def meddle():
        for other in (silenced, postponed):
            wheel.take_off(other)
        wheel.put(postponed, 5)
        if len(again.fired) == 1:
            wheel.put(again, 1)

    again.then = meddle
    for alarm in (again, silenced, postponed):
        wheel.put(alarm, 1)
    for _ in range(10):
        clock.advance(1)
        wheel.advance()
    assert (len(again.fired), len(silenced.fired), len(postponed.fired)) == (2, 0, 1)


def test_the_order_of_putting_is_that_of_firing():
    clock = FakeClock()
    wheel = TimerWheel(clock)
    order = []
    for number in range(5):
        wheel.put(Alarm(clock, lambda number=number: order.append(number)), 1)
    clock.advance(3)
    wheel.advance()
    assert order == [0, 1, 2, 3, 4]


@dataclass(eq=False)
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
        clock.advance(1)
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
