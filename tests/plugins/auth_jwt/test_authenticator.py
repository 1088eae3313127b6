import time
from pathlib import Path

import anyio
import pytest
from tests.plugins.auth_jwt.support import bearer, public_pem, token

from gatewright import AuthenticationError, Handshake, Identity
from gatewright_auth_jwt.authenticator import JwtAuthenticator
from gatewright_auth_jwt.fixed_key import FixedKey
from gatewright_auth_jwt.key_text import key_set_from_text
from gatewright_auth_jwt.settings import JwtSettings

pytestmark = pytest.mark.anyio


def authenticator(**options):
    settings = JwtSettings.model_validate({"public_key_file": Path("unused"), **options})
    return JwtAuthenticator(settings, FixedKey(key_set_from_text(public_pem("RSA"), ["RS256"])))


async def test_a_good_token_names_its_user_subjects_and_end():
    end = int(time.time()) + 60

    identity = await authenticator(subjects_claim="rooms").authenticate(
        bearer(token(user_id="jürgen", rooms=["room:1"], exp=end))
    )

    assert identity == Identity("jürgen", ("room:1",), expires_at=end, close_at=end)


async def test_the_connection_closes_at_the_end_and_leeway():
    end = int(time.time()) - 5

    identity = await authenticator(leeway=30).authenticate(bearer(token(exp=end)))

    assert identity.expires_at == end
    assert identity.close_at == end + 30


async def test_a_connection_may_outlive_its_token():
    identity = await authenticator(close_on_expiry=False).authenticate(bearer(token()))

    assert identity.expires_at is not None
    assert identity.close_at is None


async def test_a_token_without_an_end_never_closes_a_connection():
    identity = await authenticator(require_exp=False).authenticate(bearer(token(exp=...)))

    assert identity == Identity("42")


async def test_a_token_in_the_protocols_is_answered_with_the_word():
    asked = Handshake("/ws", {}, {}, ["bearer", token()])

    assert (await authenticator().authenticate(asked)).subprotocol == "bearer"


async def test_a_refusal_too_says_which_sub_protocol_to_answer_with():
    asked = Handshake("/ws", {}, {}, ["bearer", "nonsense"])

    with pytest.raises(AuthenticationError) as caught:
        await authenticator().authenticate(asked)

    assert caught.value.subprotocol == "bearer"
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize(
    ("handshake", "reason"),
    [
        (Handshake("/ws", {}, {}), "missing"),
        (Handshake("/ws", {"token": [""]}, {}), "missing"),
        (bearer(""), "missing"),
        (bearer("hello"), "malformed"),
        (bearer(token(exp=1)), "expired"),
        (bearer(token(user_id={"id": 1})), "user_id"),
        (bearer(token(user_id=...)), "user_id"),
        (bearer(token(rooms=["user:43"])), "subjects"),
    ],
)
async def test_refusals_have_one_word_and_nothing_of_the_token(handshake, reason):
    with pytest.raises(AuthenticationError) as caught:
        await authenticator(subjects_claim="rooms").authenticate(handshake)

    assert str(caught.value) == caught.value.reason == reason
    assert caught.value.subprotocol is None


async def test_a_fresh_token_of_the_same_user_renews_everything_but_the_sub_protocol():
    checker = authenticator(subjects_claim="rooms")
    before = Identity("42", ("room:1",), expires_at=1.0, close_at=1.0, subprotocol="bearer")
    end = int(time.time()) + 60

    after = await checker.reauthenticate(token(user_id=42, rooms=["room:2"], exp=end), before)

    assert after == Identity("42", ("room:2",), end, end, "bearer")


@pytest.mark.parametrize(
    ("fresh", "reason"),
    [
        (token(user_id="43"), "other_user"),
        (token(exp=1), "expired"),
        (token("RSA-other"), "signature"),
        ("", "missing"),
    ],
)
async def test_a_fresh_token_is_checked_like_the_first_and_must_be_the_same_users(fresh, reason):
    with pytest.raises(AuthenticationError, match=rf"^{reason}$"):
        await authenticator().reauthenticate(fresh, Identity("42"))


async def test_a_key_that_fits_another_configured_algorithm_does_not_fit_this_one():
    with pytest.raises(AuthenticationError, match=r"^key$"):
        await authenticator(algorithms=["RS256", "ES256"]).authenticate(
            bearer(token("ES256", "ES256"))
        )


async def test_a_fixed_key_is_always_ready_and_needs_nothing_done():
    checker = authenticator()
    with anyio.move_on_after(0.01) as scope:
        await checker.run()

    assert scope.cancelled_caught
    assert checker.health().ready
