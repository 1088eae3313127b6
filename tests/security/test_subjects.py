"""Whose subjects a client hears: never another user's, whatever its claims or a refresh say."""

from __future__ import annotations

import time

import anyio
import jwt
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from gatewright.errors import AuthenticationError
from gatewright.hub.fanout import Fanout
from gatewright.hub.hub import Hub
from gatewright.hub.seen import SeenIds
from gatewright.metrics import Metrics
from gatewright.model import Command, ConnectionInfo, Handshake, Publication
from gatewright.server.identify import Identifier, subjects_of
from gatewright.testing.clock import FakeClock
from gatewright_auth_jwt.authenticator import JwtAuthenticator
from gatewright_auth_jwt.fixed_key import FixedKey
from gatewright_auth_jwt.key_text import key_set_from_text
from gatewright_auth_jwt.settings import JwtSettings

SECRET = "a shared secret that is long enough for HS256"
USERS = [
    "1",
    "11",
    "a",
    "a:b",
    "user:a",
    "A",
    "ä",
    "a b",
    "*",
    "a/../b",
    "\uff41",
    "presence:user:a",
]

near_names = st.sampled_from(
    [f"{prefix}{user}{suffix}" for user in USERS
     for prefix in ("user:", "USER:", " user:", "user::", "user:user:", "presence:user:", "")
     for suffix in ("", " ", "\n", "\0", "*", "\u200b", ":")]
)  # fmt: skip
names = near_names | st.text(max_size=30)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | names
user_claims = st.sampled_from(USERS) | scalars | st.lists(names, max_size=2)
subject_claims = (
    scalars | st.lists(scalars, max_size=6) | st.dictionaries(names, scalars, max_size=2)
)


def identifier(most_subjects=1000):
    settings = JwtSettings(algorithms=("HS256",), public_key=SecretStr(SECRET), subjects_claim="s")
    authenticator = JwtAuthenticator(
        settings, FixedKey(key_set_from_text(SECRET, settings.algorithms))
    )
    return Identifier(
        authenticator, seconds=5, most_subjects=most_subjects, log=structlog.get_logger()
    )


def handshake(user, subjects):
    token = jwt.encode({"user_id": user, "s": subjects, "exp": time.time() + 60}, SECRET, "HS256")
    return Handshake(path="/ws", query={}, headers={"authorization": f"Bearer {token}"})


class Listener:
    """A member of a hub that remembers what it heard."""

    def __init__(self, user, subjects):
        self.info = ConnectionInfo(str(id(self)), user, subjects, 0)
        self.heard = []

    def write(self, frame):
        self.heard.append(frame)

    def rename(self, info):
        self.info = info


def hub():
    return Hub(
        seen=SeenIds(FakeClock()),
        metrics=Metrics(),
        changed=lambda _info: None,
        most_subjects=1000,
        fanout=Fanout(lambda flush: flush()),
    )


def heard_by(member, everybody):
    """Publish to every user but its own; return what the member heard."""
    own = member.info.user_id
    for user in {*USERS, *everybody} - {own}:
        hub_of[member].deliver(Publication((f"user:{user}",), b"1"))
    return member.heard


hub_of = {}


def judged(user, subjects):
    """Return who claims make of a client, or ``None`` where it is refused."""

    async def judge():
        try:
            return await identifier().identify(handshake(user, subjects))
        except AuthenticationError:
            return None

    return anyio.run(judge)


@given(user=user_claims, subjects=subject_claims)
def test_no_claim_makes_a_client_hear_another_user(user, subjects):
    try:
        identity = judged(user, subjects)
    except UnicodeEncodeError:  # a lone surrogate, which no token can be signed with
        return
    if identity is None:
        return
    assert identity.user_id == str(user)
    granted = subjects_of(identity)
    assert [one for one in granted if one.startswith("user:")] == [f"user:{user}"]
    member = Listener(identity.user_id, granted)
    hub_of[member] = hub()
    hub_of[member].add(member)
    assert heard_by(member, map(str, subjects if isinstance(subjects, list) else ())) == []
    assert hub_of.pop(member).deliver(Publication((f"user:{user}",), b"1")) == 1


@given(add=st.lists(names, max_size=6), remove=st.lists(names, max_size=6))
def test_no_command_makes_a_client_hear_another_user_or_deaf_to_itself(add, remove):
    member = Listener("a", ("user:a", "room"))
    hub_of[member] = hub()
    hub_of[member].add(member)
    hub_of[member].deliver(
        Command("subjects", connection_id=member.info.connection_id, add=tuple(add),
                remove=(*remove, "user:a"))
    )  # fmt: skip
    assert heard_by(member, [one.removeprefix("user:") for one in add]) == []
    assert hub_of.pop(member).deliver(Publication(("user:a",), b"1")) == 1


@given(first=st.text(min_size=1, max_size=20), second=st.text(min_size=1, max_size=20))
def test_two_users_share_no_subject(first, second):
    assert (f"user:{first}" == f"user:{second}") == (first == second)


@pytest.mark.parametrize("user", USERS)
def test_a_strange_user_hears_exactly_its_own(user):
    identity = judged(user, ["room"])
    assert identity is not None
    assert subjects_of(identity) == (f"user:{user}", "room")
