"""Addresses behind proxies, and how many may come in."""

from __future__ import annotations

import resource

import pytest

from gatewright.server.addresses import ClientAddress
from gatewright.server.caps import Caps, Full, descriptor_cap


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "client"),
    [
        ([], "203.0.113.9", "10.0.0.1", "203.0.113.9"),
        (["10.0.0.0/8"], "10.0.0.1", "", "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", "198.51.100.7", "198.51.100.7"),
        (["10.0.0.0/8"], "10.0.0.1", "1.1.1.1, 198.51.100.7, 10.2.3.4", "198.51.100.7"),
        (["10.0.0.0/8"], "203.0.113.9", "198.51.100.7", "203.0.113.9"),
        (["10.0.0.0/8"], "10.0.0.1", "rubbish", "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", "rubbish, 10.0.0.2", "10.0.0.2"),
        (["10.0.0.0/8"], "::ffff:10.0.0.1", "198.51.100.7:4711", "198.51.100.7"),
        (["fd00::/8"], "fd00::1", "[2001:db8::5]:443", "2001:db8::5"),
        (["127.0.0.1"], "127.0.0.1", "2001:db8::5", "2001:db8::5"),
        ([], "", "198.51.100.7", ""),
    ],
)
def test_the_rightmost_untrusted_address_is_the_clients(trusted, peer, forwarded, client):
    assert ClientAddress(trusted).of(peer, forwarded) == client


def test_the_total_is_a_limit_and_places_come_back():
    caps = Caps(total=2, per_address=None)
    caps.take("a")
    caps.take("b")
    with pytest.raises(Full) as full:
        caps.take("c")
    assert not full.value.by_address
    caps.release("a")
    caps.take("c")


def test_one_address_cannot_take_everything():
    caps = Caps(total=None, per_address=1)
    caps.take("a")
    with pytest.raises(Full) as full:
        caps.take("a")
    assert full.value.by_address
    caps.take("b")
    caps.release("a")
    caps.take("a")


def test_no_address_is_not_one_address():
    caps = Caps(total=None, per_address=1)
    caps.take("")
    caps.take("")


def test_the_descriptor_cap_stays_below_the_limit():
    cap = descriptor_cap()
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert cap is None or 0 < cap < soft


def test_a_limit_that_may_not_be_raised_is_taken_as_it_is(monkeypatch):
    def refuse(_what, _limits):
        message = "current limit exceeds maximum limit"
        raise ValueError(message)

    monkeypatch.setattr(resource, "getrlimit", lambda _what: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert descriptor_cap() == 128
