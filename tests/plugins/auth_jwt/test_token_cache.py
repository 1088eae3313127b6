"""What is remembered of tokens, for how long, how much of it, and in which form."""

import datetime as dt
import gc
import hashlib
import itertools
import sys
import tracemalloc

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.plugins.auth_jwt.support import SECRET, MovableClock, public_jwk, public_pem

from gatewright import Identity
from gatewright_auth_jwt.claims import expiry_of, start_of
from gatewright_auth_jwt.fixed_key import FixedKey
from gatewright_auth_jwt.jwk_set import key_set_from_jwks
from gatewright_auth_jwt.key_text import key_set_from_text
from gatewright_auth_jwt.token_cache import MEAN_BYTES, Finding, TokenCache

NOW = 1_700_000_000
TOKEN = "aaaa.bbbb.cccc"
FOREVER = Finding(Identity("42"), 0, None)


@pytest.fixture
def clock():
    return MovableClock(today=NOW)


@pytest.fixture
def source():
    return FixedKey(key_set_from_text(SECRET, ["HS256"]))


@pytest.fixture
def make(source, clock):
    def cache(size=100, leeway=0.0):
        return TokenCache(size, source, leeway=leeway, clock=clock)

    return cache


def remember(cache, source, token=TOKEN, finding=FOREVER):
    cache.put(cache.digest(token), finding, source.keys)


def known(cache, token=TOKEN):
    return cache.find(cache.digest(token))


def test_what_was_found_is_found_again_by_the_same_bytes_only(make, source):
    cache = make()
    remember(cache, source)

    assert known(cache) is FOREVER.identity
    assert known(cache, TOKEN + "=") is None
    assert known(cache, TOKEN.upper()) is None


@pytest.mark.parametrize("leeway", [0, 30])
def test_nothing_outlives_its_token_and_leeway(make, source, clock, leeway):
    cache = make(leeway=leeway)
    remember(cache, source, finding=FOREVER._replace(ends_at=NOW + 60))

    clock.today = NOW + 60 + leeway - 0.001
    assert known(cache)
    clock.today = NOW + 60 + leeway
    assert known(cache) is None
    clock.today = NOW
    assert known(cache) is None  # and is gone, whatever the clock says next
    assert len(cache) == 0


def test_a_clock_that_is_set_back_makes_no_token_good_before_its_time(make, source, clock):
    cache = make(leeway=5)
    remember(cache, source, finding=FOREVER._replace(starts_at=NOW))

    clock.today = NOW - 5
    assert known(cache)
    clock.today = NOW - 5.001
    assert known(cache) is None


quarters = st.integers(-40, 40).map(lambda quarter: NOW + quarter / 4)
times = st.none() | quarters | quarters.map(int) | quarters.map(lambda time: str(int(time)))


@given(exp=times, nbf=times, iat=times, checked=quarters, later=quarters, leeway=st.integers(0, 4))
def test_at_any_time_what_is_remembered_is_what_pyjwt_would_say(
    exp, nbf, iat, checked, later, leeway
):
    claims = {"exp": exp, "nbf": nbf, "iat": iat}
    claims = {name: value for name, value in claims.items() if value is not None}
    offered = jwt.encode(claims, SECRET, "HS256")

    def accepts(now):
        class Then(dt.datetime):
            @classmethod
            def now(cls, tz=None):
                return dt.datetime.fromtimestamp(now, tz)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("jwt.api_jwt.datetime", Then)
            try:
                jwt.decode(offered, SECRET, ["HS256"], leeway=leeway)
            except jwt.InvalidTokenError:
                return False
            return True

    if not accepts(checked):
        return
    source, clock = FixedKey(key_set_from_text(SECRET, ["HS256"])), MovableClock(today=checked)
    cache = TokenCache(1, source, leeway=leeway, clock=clock)
    remember(cache, source, offered, Finding(Identity("42"), start_of(claims), expiry_of(claims)))
    clock.today = later
    assert (known(cache, offered) is not None) == accepts(later)


def test_once_the_keys_change_all_of_it_is_gone(make, source):
    cache = make()
    for number in range(10):
        remember(cache, source, f"{TOKEN}{number}")

    source.keys = key_set_from_text(public_pem("RSA"), ["RS256"])

    assert known(cache, f"{TOKEN}3") is None
    assert len(cache) == 0


def test_keys_that_come_back_bring_nothing_back(make, source):
    cache, before = make(), source.keys
    remember(cache, source)

    source.keys = key_set_from_text(public_pem("RSA"), ["RS256"])
    known(cache)
    source.keys = before

    assert known(cache) is None


def test_what_was_checked_with_keys_of_before_is_not_remembered(make, source):
    cache, before = make(), source.keys
    source.keys = key_set_from_text(public_pem("RSA"), ["RS256"])

    cache.put(cache.digest(TOKEN), FOREVER, before)

    assert len(cache) == 0


def test_after_a_change_of_keys_there_is_as_much_room_as_before(make, source):
    cache = make(10)
    large = Finding(Identity("42", tuple(f"room:{number}" for number in range(150))), 0, None)
    for keys in (source.keys, key_set_from_text(public_pem("RSA"), ["RS256"])):
        source.keys = keys
        remember(cache, source, "large", large)
        remember(cache, source)

    assert known(cache, "large")
    assert known(cache)


A, B = public_jwk("RSA", kid="a"), public_jwk("RSA-other", kid="b")


@pytest.mark.parametrize(
    "others",
    [
        [A],
        [B],
        [B, A],  # the first four are tried where a token names none
        [A, B, public_jwk("ES256", kid="c")],
        [public_jwk("RSA", kid="b"), public_jwk("RSA-other", kid="a")],
        [public_jwk("RSA"), B],
        [public_jwk("RSA", kid="a", alg="RS256"), B],
        [A, A, B],
    ],
)
def test_any_difference_makes_another_key_set(others):
    algorithms = ["RS256", "PS256", "ES256"]
    keys = key_set_from_jwks({"keys": [A, B]}, algorithms)
    read = key_set_from_jwks({"keys": others}, algorithms)

    assert keys.replaced_by(read) is read


def test_a_key_that_is_meant_for_another_algorithm_now_makes_another_key_set():
    keys, read = (
        key_set_from_jwks({"keys": [dict(A, alg=algorithm)]}, ["RS256", "PS256"])
        for algorithm in ("RS256", "PS256")
    )

    assert keys.replaced_by(read) is read


def test_a_key_set_that_was_read_again_is_the_same(source):
    read = key_set_from_jwks({"keys": [A, B]}, ["RS256", "PS256"])
    again = key_set_from_jwks({"keys": [dict(A, x5t="new"), B]}, ["RS256", "PS256"])

    assert read.replaced_by(again) is read
    assert source.keys.replaced_by(key_set_from_text(SECRET, ["HS256"])) is source.keys
    assert source.keys.replaced_by(key_set_from_text(SECRET + "!", ["HS256"])) is not source.keys


def test_the_least_recently_used_goes_first(make, source):
    cache = make(3)
    for token in ("one", "two", "three"):
        remember(cache, source, token)
    known(cache, "one")
    remember(cache, source, "three")
    remember(cache, source, "four")

    assert [token for token in ("one", "two", "three", "four") if known(cache, token)] == [
        "one", "three", "four",
    ]  # fmt: skip


def test_a_flood_of_tokens_leaves_no_more_than_its_size(make, source):
    cache = make(50)
    for number in range(1000):
        remember(cache, source, str(number))

    assert len(cache) == 50
    assert known(cache, "950")
    assert known(cache, "949") is None


def test_large_identities_are_fewer(make, source):
    cache = make(100)
    large = tuple(f"room:{number}:{'x' * 40}" for number in range(80))
    finding = Finding(Identity("42", large), 0, None)
    weight = sum(map(sys.getsizeof, large))
    for number in range(200):
        remember(cache, source, str(number), finding)

    assert len(cache) * weight < 100 * MEAN_BYTES
    assert len(cache) > 10
    assert known(cache, "199")


def test_one_identity_above_all_bounds_is_not_kept_and_harms_nothing(make, source):
    cache = make(1)
    huge = Finding(Identity("42", tuple(map(str, range(10_000)))), 0, None)
    remember(cache, source, "huge", huge)
    assert len(cache) == 0

    remember(cache, source)
    assert known(cache)


def test_what_it_counts_is_what_memory_it_takes(make, source):
    cache = make(2000)
    tracemalloc.start()
    try:
        for number in range(2000):
            rooms = tuple(f"room:{number}:{room}" for room in range(6))
            identity = Identity(f"user-{number}", rooms, NOW + number + 0.5, NOW + number + 0.5)
            remember(cache, source, f"{TOKEN}{number}", Finding(identity, 0.0, NOW + number + 0.5))
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert len(cache) == 2000
    assert 0.5 < cache._bytes / taken < 1.5


@pytest.mark.parametrize("token", ["x" * 4097, "é.é.é", "\ud800"])
def test_what_is_too_long_or_no_token_is_not_remembered(make, source, token):
    cache = make()
    remember(cache, source, token)

    assert cache.digest(token) is None
    assert known(cache, token) is None
    assert len(cache) == 0


def test_the_longest_that_is_remembered_is(make, source):
    cache = make()
    remember(cache, source, "x" * 4096)

    assert known(cache, "x" * 4096)


def test_size_0_remembers_nothing(make, source):
    cache = make(0)
    remember(cache, source)

    assert known(cache) is None
    assert len(cache) == 0


def within(thing, seen):
    """Yield everything that is reachable from a thing, but for types and modules."""
    for found in gc.get_referents(thing):
        if id(found) not in seen and not isinstance(found, type | type(sys)):
            seen.add(id(found))
            yield found
            yield from within(found, seen)


def test_no_part_of_a_token_is_in_it(make, source):
    cache = make()
    token = jwt.encode({"user_id": "42", "canary": "chirp"}, SECRET, "HS256")
    remember(cache, source, token)

    texts = [found for found in within(cache, set()) if isinstance(found, str | bytes)]
    held = [text.encode() if isinstance(text, str) else text for text in texts]

    assert b"42" in held
    for part, text in itertools.product(token.encode().split(b"."), held):
        assert part not in text


def test_a_digest_says_nothing_outside_its_process(make):
    one, other = make().digest(TOKEN), make().digest(TOKEN)

    assert one != other
    assert len(one) == 32
    assert one != hashlib.blake2b(TOKEN.encode(), digest_size=32).digest()
