"""Rules for authentication."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, ClassVar, Final, TypeVar

import pytest
from structlog.testing import capture_logs

from gatewright.errors import AuthenticationError, AuthenticationUnavailable
from gatewright.model import Handshake, Identity
from gatewright.plugin.protocols import Authenticator
from gatewright.plugin.spec import Kind
from gatewright.testing.conformance.base import Case, Conformance
from gatewright.testing.conformance.handshakes import bare, bearer, garbage
from gatewright.testing.conformance.rules import rule
from gatewright.wire.names import USER_PREFIX, is_subject, is_user_id, user_subject

__all__ = ["AuthenticatorCase", "AuthenticatorConformance"]

T = TypeVar("T")

USER: Final = "jürgen 42"
SECONDS: Final = 10.0  # the core's own deadline, `limits.handshake_seconds`
AT_ONCE: Final = 100
REASON_LENGTH: Final = 64
TELLTALE_LENGTH: Final = 6  # shorter ones stand in any text by chance


@dataclass(frozen=True, kw_only=True)
class AuthenticatorCase(Case):
    """An authentication under test.

    Attributes:
        token: Makes a good token for a user id.
        bad_tokens: Tokens that are refused, such as an expired one and a forged one.
        handshake: Makes the handshake of a client that shows a token.
        unavailable: Options under which nobody can tell whether a token is good, such as the
            address of a server that is down; ``None``: there are none.
    """

    token: Callable[[str], str]
    bad_tokens: Sequence[str]
    handshake: Callable[[str], Handshake] = bearer
    unavailable: dict[str, Any] | None = None


class AuthenticatorConformance(Conformance[AuthenticatorCase]):
    """Rules for a `gatewright.Authenticator`."""

    kind: ClassVar[Kind] = "auth"

    @rule("AUTH-1", "A good token identifies the user that it was made for.")
    async def test_auth_1_identifies(self, case: AuthenticatorCase, backend: Authenticator) -> None:
        for user in ("42", USER):
            identity = await backend.authenticate(case.handshake(case.token(user)))
            assert identity.user_id == user

    @rule(
        "AUTH-2",
        "An identity holds: its names are valid, no subject is another user's, and its times are "
        "finite, `close_at` not before `expires_at`.",
    )
    async def test_auth_2_identities_hold(
        self, case: AuthenticatorCase, backend: Authenticator
    ) -> None:
        identity = await backend.authenticate(case.handshake(case.token(USER)))
        assert is_sound(identity), identity

    @rule("AUTH-3", "A client without any token is refused with `AuthenticationError`.")
    async def test_auth_3_nothing_is_refused(self, backend: Authenticator) -> None:
        for handshake in bare():
            await refused(backend.authenticate(handshake), handshake)

    @rule(
        "AUTH-4",
        "A bad token is refused with `AuthenticationError`, and not with "
        "`AuthenticationUnavailable`, after which clients come again and again.",
    )
    async def test_auth_4_bad_tokens_are_refused(
        self, case: AuthenticatorCase, backend: Authenticator
    ) -> None:
        assert case.bad_tokens, "a case without bad tokens tests nothing"
        for token in case.bad_tokens:
            await refused(backend.authenticate(case.handshake(token)), token)

    @rule(
        "AUTH-5",
        "Whatever stands in headers, query and sub-protocols is judged soon: it raises nothing "
        "but `AuthenticationError`, and an identity that it yields is a `gatewright.Identity`.",
    )
    async def test_auth_5_garbage_is_judged(self, backend: Authenticator) -> None:
        for handshake in garbage():
            try:
                found = await within(backend.authenticate(handshake))
            except AuthenticationError:
                continue
            except Exception as error:  # noqa: BLE001 - the rule is about whatever it is
                pytest.fail(f"{error!r} for {handshake}")
            assert isinstance(found, Identity), handshake

    @rule("AUTH-6", "The scheme in `Authorization` is read in upper and in lower case.")
    async def test_auth_6_schemes_have_no_case(
        self, case: AuthenticatorCase, backend: Authenticator
    ) -> None:
        good = case.handshake(case.token("42"))
        scheme, space, credentials = good.headers.get("authorization", "").partition(" ")
        if not space:
            pytest.skip("the case's handshakes have no scheme in a header Authorization")
        for spelt in (scheme.lower(), scheme.upper(), scheme.title()):
            headers = {**good.headers, "authorization": f"{spelt} {credentials}"}
            assert (await backend.authenticate(replace(good, headers=headers))).user_id == "42"

    @rule("AUTH-7", "It answers with a sub-protocol only where the client offered it.")
    async def test_auth_7_answers_with_what_was_offered(
        self, case: AuthenticatorCase, backend: Authenticator
    ) -> None:
        for token in (case.token("42"), *case.bad_tokens):
            shown = case.handshake(token)
            for offered in (shown.subprotocols, ("chat", *shown.subprotocols), ("bearer", token)):
                handshake = replace(shown, subprotocols=tuple(offered))
                assert await answered(backend, handshake) in {None, *offered}

    @rule("AUTH-8", "A fresh token of the same user renews the identity.")
    async def test_auth_8_renews(self, case: AuthenticatorCase, backend: Authenticator) -> None:
        after = await backend.reauthenticate(case.token(USER), Identity(USER))
        assert after.user_id == USER
        assert is_sound(after), after

    @rule("AUTH-9", "A fresh token of another user is refused with `AuthenticationError`.")
    async def test_auth_9_nobody_becomes_another(
        self, case: AuthenticatorCase, backend: Authenticator
    ) -> None:
        before = Identity("42")
        await refused(backend.reauthenticate(case.token("43"), before), "a token of another user")

    @rule("AUTH-10", "A fresh token that is bad, empty or garbage is refused in the same way.")
    async def test_auth_10_fresh_tokens_are_judged(
        self, case: AuthenticatorCase, backend: Authenticator
    ) -> None:
        before = Identity("42")
        for token in ("", " ", "\x00", "\ud800", ".", "x" * 65_536, *case.bad_tokens):
            await refused(backend.reauthenticate(token, before), token[:80])

    @rule("AUTH-11", "Many are judged at once, and each is who it is.")
    async def test_auth_11_many_at_once(
        self, case: AuthenticatorCase, backend: Authenticator
    ) -> None:
        users = [f"user-{number}" for number in range(AT_ONCE)]
        asked = [backend.authenticate(case.handshake(case.token(user))) for user in users]
        found = await within(asyncio.gather(*asked))
        assert [identity.user_id for identity in found] == users

    @rule(
        "AUTH-12",
        "Being cancelled ends the judgement as a cancellation, at any point of it, and does no "
        "harm to the next.",
    )
    async def test_auth_12_may_be_cancelled(
        self, case: AuthenticatorCase, backend: Authenticator
    ) -> None:
        for turns in range(5):
            handshake = case.handshake(case.token(f"user-{turns}"))
            judged = asyncio.ensure_future(backend.authenticate(handshake))
            for _ in range(turns):
                await asyncio.sleep(0)
            if judged.cancel():
                done, _ = await asyncio.wait({judged}, timeout=SECONDS)
                assert done, "it goes on"
                assert judged.cancelled(), "the cancellation was swallowed"
        identity = await within(backend.authenticate(case.handshake(case.token("42"))))
        assert identity.user_id == "42"

    @rule(
        "AUTH-13",
        "No token gets into the log or into a refusal, whose `reason` is a short word or phrase.",
    )
    async def test_auth_13_keeps_tokens_to_itself(self, case: AuthenticatorCase) -> None:
        shown = (case.token("the-only-one-of-this-name"), *case.bad_tokens)
        tokens = [token for token in shown if len(token) >= TELLTALE_LENGTH]
        refusing: list[AuthenticationError] = []
        with logged() as log:
            async with self.running(case) as backend:
                for token in shown:
                    refusing += await refusals(backend, case.handshake(token), token)
        for refusal in refusing:
            assert 0 < len(refusal.reason) <= REASON_LENGTH, refusal.reason
        for text in map(str, (*log, *refusing)):
            assert not [token for token in tokens if token in text]

    @rule(
        "AUTH-14",
        "While nobody can tell whether a token is good, it raises `AuthenticationUnavailable`.",
    )
    async def test_auth_14_says_when_it_cannot_tell(self, case: AuthenticatorCase) -> None:
        if case.unavailable is None:
            pytest.skip("the case knows no options under which nobody can tell")
        handshake = case.handshake(case.token("42"))
        async with self.running(replace(case, options=case.unavailable)) as backend:
            with pytest.raises(AuthenticationUnavailable):
                await within(backend.authenticate(handshake))


def is_sound(identity: Identity) -> bool:
    """Tell whether the core takes an identity."""
    own = user_subject(identity.user_id)
    times = [time for time in (identity.expires_at, identity.close_at) if time is not None]
    return (
        is_user_id(identity.user_id)
        and isinstance(identity.subjects, tuple)
        and all(map(is_subject, identity.subjects))
        and all(not s.startswith(USER_PREFIX) or s == own for s in identity.subjects)
        and all(map(isfinite, times))
        and times == sorted(times)
    )


async def within(verdict: Awaitable[T]) -> T:
    """Return what comes of a judgement, under the core's deadline."""
    async with asyncio.timeout(SECONDS):
        return await verdict


async def refused(verdict: Awaitable[Identity], about: object) -> None:
    """Make sure that a client is refused, and for good."""
    try:
        identity = await within(verdict)
    except AuthenticationUnavailable as error:
        pytest.fail(f"{error!r} says to come again: {about!r}")
    except AuthenticationError:
        return
    except Exception as error:  # noqa: BLE001 - the rule is about whatever it is
        pytest.fail(f"{error!r} is no refusal: {about!r}")
    pytest.fail(f"{identity} was let in: {about!r}")


async def answered(backend: Authenticator, handshake: Handshake) -> str | None:
    """Return the sub-protocol that a client is answered with, let in or refused."""
    try:
        return (await within(backend.authenticate(handshake))).subprotocol
    except AuthenticationError as refusal:
        return refusal.subprotocol


async def refusals(
    backend: Authenticator, handshake: Handshake, token: str
) -> list[AuthenticationError]:
    """Show a token in both ways; return what refused it."""
    found = []
    for verdict in (
        backend.authenticate(handshake),
        backend.reauthenticate(token, Identity("nobody-else")),
    ):
        try:
            await within(verdict)
        except AuthenticationError as refusal:
            found.append(refusal)
    return found


class _Kept(logging.Handler):
    """Keeps what the standard library's loggers are told."""

    def __init__(self, lines: list[object]) -> None:
        super().__init__(logging.DEBUG)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))


@contextmanager
def logged() -> Iterator[list[object]]:
    """Collect all that is logged, at any level."""
    lines: list[object] = []
    handler, root = _Kept(lines), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with capture_logs() as entries:
            yield lines
        lines.extend(entries)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
