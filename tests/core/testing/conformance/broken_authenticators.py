"""Authenticators that each break one rule: the one that their class is named after."""

from __future__ import annotations

import asyncio
import math
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Annotated

import pytest
from pydantic import Field

from gatewright import (
    AuthenticationError,
    AuthenticationUnavailable,
    Factory,
    Identity,
    Settings,
    is_user_id,
)
from gatewright.testing.conformance import AuthenticatorCase, AuthenticatorConformance


def refuse(why, error=AuthenticationError):
    raise error(why)


class Sealed:
    """Believes tokens that end with the seal."""

    def __init__(self, settings, context):
        self.seal, self.open, self.log = settings.seal, settings.open, context.log

    async def authenticate(self, handshake):
        scheme, _, value = handshake.headers.get("authorization", "").partition(" ")
        await asyncio.sleep(0)
        if scheme.lower() != "bearer":
            value = ""
        return await self.judged(value.encode("latin-1").decode(errors="replace"))

    async def reauthenticate(self, token, identity):
        fresh = await self.judged(token)
        if fresh.user_id != identity.user_id:
            refuse("other_user")
        return fresh

    async def judged(self, token):
        if not self.open:
            refuse("closed", AuthenticationUnavailable)
        user, dot, seal = token.rpartition(".")
        if not dot or seal != self.seal or not is_user_id(user):
            refuse("seal" if token else "missing")
        return Identity(user, expires_at=2_000_000_000.0, close_at=2_000_000_030.0)


class SealSettings(Settings):
    seal: Annotated[str, Field(description="The seal.")] = "wax"
    open: Annotated[bool, Field(description="Whether it can tell.")] = True


@asynccontextmanager
async def opening(backend, settings, context):
    yield backend(settings, context)


class Suite(AuthenticatorConformance):
    """A suite for the class attributes below."""

    __test__ = False

    Backend = Sealed
    Model = SealSettings
    opening = staticmethod(opening)

    def __init_subclass__(cls):
        cls.__test__ = True

    @pytest.fixture
    def case(self):
        factory = Factory(
            settings=self.Model,
            open=lambda settings, context: self.opening(self.Backend, settings, context),
            summary="broken",
        )
        return AuthenticatorCase(
            factory=factory,
            token="{}.wax".format,
            bad_tokens=["42.glue", "expired.paste"],
            unavailable={"open": False},
        )


class TestSound(Suite):
    pass


class TestAUTH1(Suite):
    class Backend(Sealed):
        async def authenticate(self, handshake):
            found = await super().authenticate(handshake)
            return replace(found, user_id=found.user_id.encode("ascii", "replace").decode())


class TestAUTH2(Suite):
    class Backend(Sealed):
        async def authenticate(self, handshake):
            return replace(await super().authenticate(handshake), close_at=math.inf)


class TestAUTH3(Suite):
    class Backend(Sealed):
        async def authenticate(self, handshake):
            if "authorization" not in handshake.headers and not handshake.query:
                return Identity("guest")
            return await super().authenticate(handshake)


class TestAUTH4(Suite):
    class Backend(Sealed):
        async def authenticate(self, handshake):
            try:
                return await super().authenticate(handshake)
            except AuthenticationError:
                if handshake.headers.get("authorization", "").endswith(".paste"):
                    refuse("later", AuthenticationUnavailable)
                raise


class TestAUTH5(Suite):
    class Backend(Sealed):
        async def authenticate(self, handshake):
            for values in handshake.query.values():
                values[0]
            return await super().authenticate(handshake)


class TestAUTH6(Suite):
    class Backend(Sealed):
        async def authenticate(self, handshake):
            if handshake.headers.get("authorization", "").startswith("bearer"):
                refuse("scheme")
            return await super().authenticate(handshake)


class TestAUTH7(Suite):
    class Backend(Sealed):
        async def authenticate(self, handshake):
            return replace(await super().authenticate(handshake), subprotocol="bearer")


class TestAUTH8(Suite):
    class Backend(Sealed):
        async def reauthenticate(self, token, identity):
            fresh = await super().reauthenticate(token, identity)
            return replace(fresh, subjects=("user:somebody else",))


class TestAUTH9(Suite):
    class Backend(Sealed):
        async def reauthenticate(self, token, identity):
            return await self.judged(token)


class TestAUTH10(Suite):
    class Backend(Sealed):
        async def reauthenticate(self, token, identity):
            token.encode()
            return await super().reauthenticate(token, identity)


class TestAUTH11(Suite):
    class Backend(Sealed):
        async def judged(self, token):
            self.token = token
            await asyncio.sleep(0)
            return await super().judged(self.token)


class TestAUTH12(Suite):
    class Backend(Sealed):
        async def judged(self, token):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
            return await super().judged(token)


class TestAUTH13(Suite):
    class Backend(Sealed):
        async def judged(self, token):
            self.log.debug("judging", token=token)
            return await super().judged(token)


class TestAUTH14(Suite):
    class Backend(Sealed):
        async def judged(self, token):
            if not self.open:
                refuse("closed")
            return await super().judged(token)
