import hmac

import pytest
from starlette.datastructures import Headers

from gatewright_transport_http.keys import ApiKeys


def headers(*values: bytes) -> Headers:
    return Headers(raw=[(b"x-api-key", value) for value in values])


@pytest.fixture
def compared(monkeypatch):
    calls = []
    real = hmac.compare_digest

    def compare(given, key):
        calls.append((given, key))
        return real(given, key)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    return calls


@pytest.mark.parametrize("given", [b"first", b"second", b"third", b"none of them", b""])
def test_every_key_is_compared_in_constant_time_on_bytes_whichever_matches(compared, given):
    ApiKeys(["first", "second", "third"]).accept(given)

    assert compared == [(given, b"first"), (given, b"second"), (given, b"third")]


@pytest.mark.parametrize("given", [b"first", b"second"])
def test_any_of_the_keys_opens(given):
    assert ApiKeys(["first", "second"]).accept(given)


@pytest.mark.parametrize("given", [b"", b"firs", b"first ", b"First", b"firstsecond", b"\xff"])
def test_nothing_but_a_key_opens(given):
    assert not ApiKeys(["first", "second"]).accept(given)


def test_no_keys_accept_nothing():
    keys = ApiKeys([])

    assert not keys
    assert not keys.accept(b"")


def test_a_key_beyond_ascii_is_sent_in_utf8():
    assert ApiKeys(["schlüssel€"]).accept_header(headers("schlüssel€".encode()))


def test_one_right_header_among_several_suffices():
    assert ApiKeys(["key"]).accept_header(headers(b"wrong", b"key"))


def test_no_header_is_no_key():
    assert not ApiKeys(["key"]).accept_header(headers())
