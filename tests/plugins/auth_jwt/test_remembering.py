"""Tokens that come again: not checked again, and never let in by what was true before."""

import asyncio
import datetime as dt
import itertools
import os
import time
from pathlib import Path

import anyio
import pytest
from prometheus_client import CollectorRegistry
from tests.plugins.auth_jwt.support import (
    SECRET,
    MovableClock,
    answer,
    at_once,
    bearer,
    held,
    make_context,
    public_jwk,
    public_pem,
    token,
)

from gatewright import AuthenticationError, AuthenticationUnavailable, Handshake, Identity
from gatewright_auth_jwt.authenticator import JwtAuthenticator
from gatewright_auth_jwt.fixed_key import FixedKey
from gatewright_auth_jwt.jwks import JwksKeys
from gatewright_auth_jwt.jwks_endpoint import JwksEndpoint
from gatewright_auth_jwt.key_file import KeyFile
from gatewright_auth_jwt.key_text import key_set_from_text
from gatewright_auth_jwt.opening import open_authenticator
from gatewright_auth_jwt.settings import JwtSettings
from gatewright_auth_jwt.turns import Turns
from gatewright_auth_jwt.verifier import TokenVerifier

pytestmark = pytest.mark.anyio

A, B = public_jwk("RSA", kid="a"), public_jwk("RSA-other", kid="b")
DOWN = answer({}, status=500)


@pytest.fixture
def metrics():
    return CollectorRegistry()


@pytest.fixture
def checks(monkeypatch):
    """The tokens that were really checked."""
    checked = []
    check = TokenVerifier.claims

    def noted(self, offered, keys):
        checked.append(offered)
        return check(self, offered, keys)

    monkeypatch.setattr(TokenVerifier, "claims", noted)
    return checked


@pytest.fixture
def make(metrics, clock):
    def authenticator(keys=None, **options):
        settings = JwtSettings.model_validate({"public_key_file": Path("unused"), **options})
        source = keys or FixedKey(key_set_from_text(public_pem("RSA"), ["RS256"]))
        return JwtAuthenticator(settings, source, clock=clock, metrics=metrics)

    return authenticator


async def user(authenticator, offered):
    with anyio.fail_after(10):
        return (await authenticator.authenticate(bearer(offered))).user_id


async def refusal(authenticator, offered):
    with pytest.raises(AuthenticationError) as caught:
        await user(authenticator, offered)
    return caught.value.reason


def counts(metrics):
    name = "gatewright_auth_jwt_token_cache_total"
    return tuple(metrics.get_sample_value(name, {"result": result}) for result in ("hit", "miss"))


async def test_a_token_that_comes_again_is_not_checked_again(make, checks, metrics):
    authenticator, offered = make(subjects_claim="rooms"), token(rooms=["room:1"])

    first = await authenticator.authenticate(bearer(offered))
    second = await authenticator.authenticate(bearer(offered))

    assert first is second
    assert first.subjects == ("room:1",)
    assert checks == [offered]
    assert counts(metrics) == (1, 1)


async def test_one_place_of_a_token_is_as_good_as_another_and_answered_as_it_asks(make, checks):
    authenticator, offered = make(), token()
    in_protocol = Handshake("/ws", {}, {}, ["bearer", offered])

    answers = [
        (await authenticator.authenticate(handshake)).subprotocol
        for handshake in (in_protocol, bearer(offered), in_protocol)
    ]

    assert answers == ["bearer", None, "bearer"]
    assert len(checks) == 1


async def test_a_place_that_is_switched_off_stays_so_for_what_is_remembered(make):
    authenticator, offered = make(tokens=["header"]), token()
    await user(authenticator, offered)

    with pytest.raises(AuthenticationError, match=r"^missing$"):
        await authenticator.authenticate(Handshake("/ws", {"token": [offered]}, {}))


async def test_a_remembered_token_renews_its_own_user_only(make, checks):
    authenticator, offered = make(), token()
    await user(authenticator, offered)

    renewed = await authenticator.reauthenticate(offered, Identity("42", subprotocol="bearer"))
    with pytest.raises(AuthenticationError, match=r"^other_user$"):
        await authenticator.reauthenticate(offered, Identity("43"))

    assert renewed.subprotocol == "bearer"
    assert len(checks) == 1


@pytest.mark.parametrize(
    ("offered", "reason"),
    [
        (token("RSA-other"), "signature"),
        (token(exp=1), "expired"),
        (token(nbf=int(time.time()) + 3600), "not_yet_valid"),
        (token(user_id=...), "user_id"),
        (token(rooms=["user:43"]), "subjects"),
        ("a.b.c", "malformed"),
        (token("ES256", "ES256"), "algorithm"),
    ],
)
async def test_refusals_are_not_remembered(make, checks, metrics, offered, reason):
    authenticator = make(subjects_claim="rooms")

    assert [await refusal(authenticator, offered) for _ in range(3)] == [reason] * 3
    assert len(checks) == 3
    assert len(authenticator._cache) == 0
    assert counts(metrics) == (0, 3)


async def test_it_can_be_switched_off(make, checks):
    authenticator, offered = make(cache_tokens=0), token()

    assert [await user(authenticator, offered) for _ in range(3)] == ["42"] * 3
    assert len(checks) == 3


async def test_no_more_are_remembered_than_the_option_says(make, checks):
    authenticator = make(cache_tokens=2)
    offered = [token(user_id=str(number)) for number in range(3)]
    for one in offered:
        await user(authenticator, one)

    assert await user(authenticator, offered[2]) == "2"
    assert len(checks) == 3
    assert await user(authenticator, offered[0]) == "0"
    assert len(checks) == 4


async def test_a_long_token_is_checked_each_time(make, checks):
    authenticator, offered = make(), token(padding="x" * 3500)
    assert len(offered) > 4096

    assert [await user(authenticator, offered) for _ in range(2)] == ["42", "42"]
    assert len(checks) == 2


@pytest.fixture
def set_time(clock, monkeypatch):
    """Set the time of day, for PyJWT too."""

    def at(now):
        class Then(dt.datetime):
            @classmethod
            def now(cls, tz=None):
                return dt.datetime.fromtimestamp(now, tz)

        clock.today = now
        monkeypatch.setattr("jwt.api_jwt.datetime", Then)

    return at


@pytest.mark.parametrize("leeway", [0, 30])
async def test_a_remembered_token_ends_in_the_second_that_it_would_have(
    make, set_time, checks, leeway
):
    end = int(time.time()) + 3600
    authenticator, offered = make(leeway=leeway), token(exp=end)
    assert await user(authenticator, offered) == "42"

    set_time(end + leeway - 0.01)
    assert await user(authenticator, offered) == "42"
    assert len(checks) == 1
    set_time(end + leeway)
    assert await refusal(authenticator, offered) == "expired"
    assert len(checks) == 2


async def test_a_token_that_came_too_early_is_let_in_when_it_is_time(make, set_time):
    start = int(time.time()) + 3600
    authenticator, offered = make(), token(nbf=start, exp=start + 3600)
    assert await refusal(authenticator, offered) == "not_yet_valid"

    set_time(start)
    assert await user(authenticator, offered) == "42"
    set_time(start - 1)
    assert await refusal(authenticator, offered) == "not_yet_valid"


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "key.pem"
    file.write_text(public_pem("RSA"))
    return file


def replace_file(path, text):
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.replace(path)


async def test_a_key_file_that_is_replaced_ends_what_the_key_before_let_in(make, path, logged):
    keys = KeyFile(path, ["RS256"], log=logged.logger)
    authenticator, old, new = make(keys), token(), token("RSA-other", user_id="43")
    assert await user(authenticator, old) == "42"

    replace_file(path, public_pem("RSA-other"))
    await keys.poll()

    assert await refusal(authenticator, old) == "signature"
    assert await user(authenticator, new) == "43"
    assert await user(authenticator, new) == "43"

    replace_file(path, public_pem("RSA"))
    await keys.poll()

    assert await refusal(authenticator, new) == "signature"
    assert await user(authenticator, old) == "42"


async def test_a_secret_that_is_replaced_ends_what_the_one_before_let_in(make, path, logged):
    path.write_text(SECRET)
    keys = KeyFile(path, ["HS256"], log=logged.logger)
    authenticator, offered = make(keys, algorithms=["HS256"]), token(algorithm="HS256")
    assert await user(authenticator, offered) == "42"

    replace_file(path, SECRET + "!")
    await keys.poll()

    assert await refusal(authenticator, offered) == "signature"


async def test_a_key_file_with_the_same_key_again_costs_nothing(make, path, logged, checks):
    keys = KeyFile(path, ["RS256"], log=logged.logger)
    authenticator, offered, before = make(keys), token(), keys.keys
    await user(authenticator, offered)

    replace_file(path, public_pem("RSA") + "\n")
    assert await keys.poll()

    assert keys.keys is before
    assert await user(authenticator, offered) == "42"
    assert len(checks) == 1


async def test_a_broken_key_file_leaves_key_and_memory_in_use(make, path, logged, checks):
    keys = KeyFile(path, ["RS256"], log=logged.logger)
    authenticator, offered = make(keys), token()
    await user(authenticator, offered)

    path.write_text("broken")
    os.utime(path, ns=(1, 1))
    await keys.poll()

    assert await user(authenticator, offered) == "42"
    assert len(checks) == 1


@pytest.fixture
def jwks(server, logged, clock):
    context = make_context(logged, clock)
    return JwksKeys(
        JwksEndpoint(server.url, ["RS256"]),
        refresh_seconds=300,
        stale_seconds=86_400,
        clock=clock,
        log=context.log,
        metrics=context.metrics,
    )


@pytest.fixture
async def running(jwks):
    """The keys' task; to be entered once the server's script is set."""
    async with anyio.create_task_group() as group:
        yield lambda: group.start_soon(jwks.run)
        group.cancel_scope.cancel()


OF_A = token(header={"kid": "a"})
OF_B = token("RSA-other", header={"kid": "b"}, user_id="43")
NAMELESS = token()


async def test_a_key_that_left_the_key_set_ends_what_it_let_in(make, jwks, server, running, clock):
    server.serve(A)
    running()
    authenticator = make(jwks)
    assert await user(authenticator, OF_A) == "42"
    assert await user(authenticator, NAMELESS) == "42"

    server.serve(B)
    clock.now += 10.1
    assert await user(authenticator, OF_B) == "43"  # has the set fetched

    assert await refusal(authenticator, OF_A) == "key"
    assert await refusal(authenticator, NAMELESS) == "signature"


async def test_a_key_under_another_name_is_another_key(make, jwks, server, running, clock):
    server.serve(A)
    running()
    authenticator = make(jwks)
    assert await user(authenticator, OF_A) == "42"

    server.serve(public_jwk("RSA", kid="b"), public_jwk("RSA-other", kid="a"))
    clock.now += 10.1
    await jwks.find("RS256", "b")

    assert await refusal(authenticator, OF_A) == "signature"


async def test_a_key_that_joined_the_key_set_costs_one_check_more(
    make, jwks, server, running, clock, checks
):
    server.serve(A)
    running()
    authenticator = make(jwks)
    await user(authenticator, OF_A)

    server.serve(A, B)
    clock.now += 10.1
    await jwks.find("RS256", "b")

    assert [await user(authenticator, OF_A) for _ in range(3)] == ["42"] * 3
    assert checks == [OF_A, OF_A, OF_A]  # the first asked for the key set
    assert len(server.requests) == 2


async def test_the_same_key_set_again_costs_nothing(make, jwks, server, running, clock, checks):
    server.serve(A)
    running()
    authenticator = make(jwks)
    await user(authenticator, OF_A)
    before = jwks.keys

    clock.now += 10.1
    assert await refusal(authenticator, OF_B) == "key"
    assert len(server.requests) == 2
    del checks[:]

    assert jwks.keys is before
    assert await user(authenticator, OF_A) == "42"
    assert checks == []


async def test_keys_that_are_too_old_to_be_trusted_let_in_nobody_who_is_remembered(
    make, jwks, server, running, clock
):
    server.serve(A)
    running()
    authenticator = make(jwks)
    await user(authenticator, OF_A)
    server.answer = DOWN

    clock.now += 86_399
    assert await user(authenticator, OF_A) == "42"
    clock.now += 2
    with pytest.raises(AuthenticationUnavailable):
        await user(authenticator, OF_A)


async def test_a_crowd_with_one_token_before_the_first_fetch_costs_one_fetch_and_one_check(
    make, jwks, server, running, checks, metrics
):
    release = anyio.Event()
    server.answer = held(release, answer({"keys": [A]}))
    running()
    authenticator = make(jwks)
    crowd = [asyncio.create_task(user(authenticator, OF_A)) for _ in range(200)]
    await server.asked.wait()
    asked = len(checks)
    release.set()

    assert await asyncio.gather(*crowd) == ["42"] * 200
    assert len(checks) == asked + 1
    assert len(server.requests) == 1
    assert counts(metrics) == (0, 200)


async def test_a_turn_that_comes_after_a_rotation_knows_of_it(make):
    keys = FixedKey(key_set_from_text(public_pem("RSA"), ["RS256"]))
    authenticator = make(keys)
    authenticator._turns = Turns(1e-9)
    first = asyncio.create_task(user(authenticator, token(user_id="first")))
    waiting = asyncio.create_task(refusal(authenticator, token()))
    other = asyncio.create_task(user(authenticator, token("RSA-other", user_id="43")))
    await asyncio.sleep(0)

    keys.keys = key_set_from_text(public_pem("RSA-other"), ["RS256"])

    assert await first == "first"
    assert await waiting == "signature"
    assert await other == "43"


async def test_who_comes_alone_or_is_remembered_never_gives_way(make):
    authenticator, offered = make(), token()

    assert at_once(authenticator.authenticate(bearer(offered))).user_id == "42"
    assert at_once(authenticator.authenticate(bearer(offered))).user_id == "42"


async def test_in_a_crowd_checks_are_spread_over_turns_and_the_remembered_go_first(make, checks):
    authenticator = make()
    authenticator._turns = Turns(1e-9)  # one check is more than a turn's share
    friend = token(user_id="friend")
    await user(authenticator, friend)
    del checks[:]
    seen = []

    async def watch():
        while len(checks) < 30:
            seen.append(len(checks))
            await asyncio.sleep(0)

    crowd = [asyncio.create_task(user(authenticator, token(user_id=f"{n}"))) for n in range(30)]
    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)

    assert at_once(authenticator.authenticate(bearer(friend))).user_id == "friend"
    assert await asyncio.gather(*crowd) == [str(number) for number in range(30)]
    await watching
    assert max(after - before for before, after in itertools.pairwise(seen)) == 1


async def test_the_forged_wait_their_turn_too(make, checks):
    authenticator = make()
    authenticator._turns = Turns(1e-9)
    forged = token("RSA-other")

    crowd = [asyncio.create_task(refusal(authenticator, forged)) for _ in range(20)]
    await asyncio.sleep(0)
    assert len(checks) == 1
    assert await asyncio.gather(*crowd) == ["signature"] * 20


async def test_a_handshake_that_is_given_up_is_not_checked(make, checks):
    authenticator = make()
    authenticator._turns = Turns(1e-9)
    crowd = [asyncio.create_task(user(authenticator, token(user_id=f"{n}"))) for n in range(3)]
    await asyncio.sleep(0)
    crowd[1].cancel()

    assert await crowd[2] == "2"
    assert len(checks) == 2


async def test_the_gateways_clock_and_metrics_are_used(path):
    end = int(time.time()) + 3600
    context = make_context(clock=MovableClock())
    settings = JwtSettings.model_validate({"public_key_file": path})
    offered = bearer(token(exp=end))
    async with open_authenticator(settings, context) as authenticator:
        for now in (None, None, end):
            context.clock.today = now
            await authenticator.authenticate(offered)

    assert counts(context.metrics) == (1, 2)
