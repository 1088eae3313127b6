"""What every suite has: one fixture to define, and the rules that hold for every kind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Generic, TypeVar

import pytest
from pydantic import SecretStr, ValidationError

from gatewright.model import Health
from gatewright.plugin.factory import Factory
from gatewright.plugin.host import Host
from gatewright.plugin.protocols import HasHealth
from gatewright.plugin.spec import Kind
from gatewright.testing.conformance.rules import rule, rule_of
from gatewright.testing.opening import Around, opened

__all__ = ["Case", "Conformance"]

UNKNOWN_OPTION: Final = "no_such_option"


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a suite needs to know of the plugin under test.

    Attributes:
        factory: What its hook returns.
        options: Its options, as they would stand in the YAML.
    """

    factory: Factory[Any, Any]
    options: Mapping[str, Any] = field(default_factory=dict)


CaseT = TypeVar("CaseT", bound=Case)


class Conformance(Generic[CaseT]):
    """Rules for backends of one kind. Subclass the one of your kind, and define ``case``.

    Every test of a suite is asynchronous, so ``case`` and what it asks for may be as well.

    Attributes:
        kind: The kind.
        provides: What the factory provides; rules that ask for more are skipped.
    """

    kind: ClassVar[Kind]
    provides: ClassVar[frozenset[str]] = frozenset()
    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def anyio_backend(self) -> str:
        """Run on asyncio, as gateways do."""
        return "asyncio"

    @pytest.fixture
    def case(self) -> CaseT:
        """Return what is under test; the one fixture that a subclass must define."""
        pytest.fail(f"{type(self).__name__} defines no fixture 'case'", pytrace=False)

    @pytest.fixture(autouse=True)
    def _has_the_capability(self, request: pytest.FixtureRequest) -> None:
        about = rule_of(request.function)
        if about is not None and about.capability not in {None, *self.provides}:
            pytest.skip(f"{about.number} is for factories that provide {about.capability!r}")

    def open(
        self, case: CaseT, around: Around | None = None
    ) -> AbstractAsyncContextManager[Host[Any]]:
        """Open a backend; yields its host."""
        return opened(self.kind, case.factory, case.options, around)

    def start(self, host: Host[Any]) -> None:
        """Start the backend's ``run``, as a gateway would once it listens."""
        host.start()

    @pytest.fixture
    async def backend(self, case: CaseT) -> AsyncIterator[Any]:
        """Return an open backend, whose own ``run`` works in the background."""
        async with self.running(case) as backend:
            yield backend

    @asynccontextmanager
    async def running(self, case: CaseT, around: Around | None = None) -> AsyncIterator[Any]:
        """Open a backend and start its own ``run``, where it has one."""
        async with self.open(case, around) as host:
            self.start(host)
            yield host.backend

    @rule("ALL-1", "`Factory.provides` is what the suite's class says in `provides`.")
    async def test_all_1_capabilities_are_stated(self, case: CaseT) -> None:
        assert case.factory.provides == self.provides

    @rule("ALL-2", "An unknown option is refused.")
    async def test_all_2_unknown_options_are_refused(self, case: CaseT) -> None:
        with pytest.raises(ValidationError, match=UNKNOWN_OPTION):
            case.factory.settings.model_validate({**case.options, UNKNOWN_OPTION: 1})

    @rule("ALL-3", "Every option has a description.")
    async def test_all_3_options_are_described(self, case: CaseT) -> None:
        fields = case.factory.settings.model_fields
        undescribed = [name for name, info in fields.items() if not info.description]
        assert not undescribed

    @rule("ALL-4", "No secret shows in the settings' text.")
    async def test_all_4_secrets_are_masked(self, case: CaseT) -> None:
        settings = case.factory.settings.model_validate(dict(case.options))
        for name in type(settings).model_fields:
            value = getattr(settings, name)
            if isinstance(value, SecretStr) and value.get_secret_value():
                assert value.get_secret_value() not in f"{settings!r} {settings}", name

    @rule("ALL-5", "It opens and closes several times in a row, and leaves no task behind.")
    async def test_all_5_opens_again(self, case: CaseT) -> None:
        before = asyncio.all_tasks()
        for _ in range(2):
            async with self.running(case):
                await asyncio.sleep(0)
        left = [task for task in asyncio.all_tasks() - before if not task.done()]
        assert not left

    @rule("ALL-6", "It may be cancelled at any point of its opening, and leaves no task behind.")
    async def test_all_6_opening_may_be_cancelled(self, case: CaseT) -> None:
        before = asyncio.all_tasks()
        for turns in range(1, 8):
            opening = asyncio.create_task(self._open_and_hold(case))
            for _ in range(turns):
                await asyncio.sleep(0)
            opening.cancel()
            await asyncio.wait({opening})
            assert opening.cancelled(), "the cancellation was swallowed"
        left = [task for task in asyncio.all_tasks() - before if not task.done()]
        assert not left

    async def _open_and_hold(self, case: CaseT) -> None:
        async with self.open(case):
            await asyncio.sleep(3600)

    @rule("ALL-7", "`health()`, where there is one, returns a `Health` at any time, also at once.")
    async def test_all_7_health_is_told_at_any_time(self, case: CaseT) -> None:
        async with self.open(case) as host:
            if not isinstance(host.backend, HasHealth):
                return
            assert isinstance(host.backend.health(), Health)
            self.start(host)
            await asyncio.sleep(0)
            assert isinstance(host.backend.health(), Health)
