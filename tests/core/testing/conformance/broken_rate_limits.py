"""Rate limits that each break one rule: the one that their class is named after."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import Annotated

import pytest
from pydantic import ConfigDict, Field, SecretStr

from gatewright import Factory
from gatewright.builtin.token_bucket import Bucket, TokenBuckets, TokenBucketSettings
from gatewright.testing.conformance import RateLimitCase, RateLimitConformance


@asynccontextmanager
async def opening(backend, settings, context):
    yield backend(settings.per_second, settings.burst, context.clock.monotonic)


class Suite(RateLimitConformance):
    """A suite for the class attributes below."""

    __test__ = False

    Backend = TokenBuckets
    Model = TokenBucketSettings
    opening = staticmethod(opening)
    capabilities = frozenset()

    def __init_subclass__(cls):
        cls.__test__ = True

    @pytest.fixture
    def case(self):
        factory = Factory(
            settings=self.Model,
            open=lambda settings, context: self.opening(self.Backend, settings, context),
            summary="broken",
            provides=self.capabilities,
        )
        return RateLimitCase(factory=factory, options={"per_second": 5, "burst": 10})


class TestSound(Suite):
    pass


class TestRATE1(Suite):
    class Backend(TokenBuckets):
        def __init__(self, per_second, burst, now):
            super().__init__(per_second, 0.5, now)

        def admission(self, connection):
            return Bucket(TokenBuckets(self.per_second, 1, self.now))


class TestRATE2(Suite):
    class Backend(TokenBuckets):
        def admission(self, connection):
            return Bucket(TokenBuckets(self.per_second, self.burst - 1, self.now))


class TestRATE3(Suite):
    class Backend(TokenBuckets):
        def admission(self, connection):
            return Bucket(TokenBuckets(self.per_second, 3 * self.burst, self.now))


class TestRATE4(Suite):
    class Backend(TokenBuckets):
        def __init__(self, per_second, burst, now):
            super().__init__(per_second, burst, lambda: 0.0)


class TestRATE5(Suite):
    class Backend(TokenBuckets):
        def __init__(self, per_second, burst, now):
            super().__init__(per_second, burst, now)
            self.only = Bucket(self)

        def admission(self, connection):
            return self.only


class TestRATE6(Suite):
    class Backend(TokenBuckets):
        def admission(self, connection):
            class Counting(Bucket):
                def admit(self):
                    return int(super().admit())

            return Counting(self)


class TestALL1(Suite):
    capabilities = frozenset({"miracles"})


class TestALL2(Suite):
    class Model(TokenBucketSettings):
        model_config = ConfigDict(extra="ignore")


class TestALL3(Suite):
    class Model(TokenBucketSettings):
        mystery: int = 0


class TestALL4(Suite):
    class Model(TokenBucketSettings):
        secret: Annotated[SecretStr, Field(description="A secret.")] = SecretStr("swordfish")

        def __str__(self):
            return f"secret={self.secret.get_secret_value()}"


class TestALL5(Suite):
    class Backend(TokenBuckets):
        async def run(self):
            self.straying = asyncio.get_running_loop().create_task(asyncio.sleep(3600))


class TestALL6(Suite):
    @staticmethod
    @asynccontextmanager
    async def opening(backend, settings, context):
        working = asyncio.create_task(asyncio.sleep(3600))
        await asyncio.sleep(0.02)  # cancelled here, it would leave its task behind
        try:
            async with opening(backend, settings, context) as limit:
                yield limit
        finally:
            working.cancel()


class TestALL7(Suite):
    class Backend(TokenBuckets):
        def health(self):
            return {"ready": True}
