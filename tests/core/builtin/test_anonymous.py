from contextlib import AsyncExitStack

import pytest
import structlog
from prometheus_client import CollectorRegistry
from structlog.testing import LogCapture

from gatewright import AuthenticationError, Handshake, Identity, NoSettings, PluginContext
from gatewright.builtin.anonymous import Anonymous, gatewright_auth

pytestmark = pytest.mark.anyio


def handshake(authorization=None, **query):
    headers = {} if authorization is None else {"authorization": authorization}
    return Handshake("/ws", {name: [value] for name, value in query.items()}, headers)


@pytest.mark.parametrize(
    ("asked", "user_id"),
    [
        (handshake("Bearer 42"), "42"),
        (handshake("bearer  42 "), "42"),
        (handshake("Bearer 42", token="43"), "42"),
        (handshake("Basic 42", token="43"), "43"),
        (handshake("Bearer", token="43"), "43"),
        (handshake(token="a b/ü@"), "a b/ü@"),
        (handshake(token="", access_token="44"), "44"),
        (handshake(token="43", access_token="44", user="45"), "43"),
        (handshake(access_token="44", user="45"), "44"),
        (handshake(user="45"), "45"),
        (handshake("Bearer " + "ü".encode().decode("latin-1")), "ü"),
        (handshake("Bearer \xfc"), "ü"),
    ],
)
async def test_the_token_is_the_user_id(asked, user_id):
    assert await Anonymous().authenticate(asked) == Identity(user_id)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (handshake(), "missing"),
        (handshake("Bearer ", token=""), "missing"),
        (handshake(token="a\nb"), "user_id"),
        (handshake(user="x" * 513), "user_id"),
        (handshake(token="\ud800"), "user_id"),
    ],
)
async def test_who_names_no_user_is_refused(asked, reason):
    with pytest.raises(AuthenticationError) as caught:
        await Anonymous().authenticate(asked)

    assert caught.value.reason == reason


async def test_a_fresh_token_must_name_the_same_user():
    identity = Identity("42")
    assert await Anonymous().reauthenticate("42", identity) == identity

    with pytest.raises(AuthenticationError, match="other_user"):
        await Anonymous().reauthenticate("43", identity)


async def test_it_says_loudly_that_it_is_there():
    log = LogCapture()
    context = PluginContext(
        name="anonymous",
        log=structlog.wrap_logger(None, processors=[log]),
        metrics=CollectorRegistry(),
        node_id="gw-1",
        spawn=lambda *_: None,
    )
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(gatewright_auth().open(NoSettings(), context))

    assert [(entry["log_level"], entry["event"]) for entry in log.entries] == [
        (
            "warning",
            "anonymous authentication: clients are believed to be who they say; not for production",
        )
    ]


async def test_in_development_a_user_id_is_a_token(tmp_path):
    develop = gatewright_auth().develop
    assert develop is not None
    development = develop(tmp_path)

    assert development.options == {}
    token = development.issue("user 42")
    assert await Anonymous().authenticate(handshake(token=token)) == Identity("user 42")
