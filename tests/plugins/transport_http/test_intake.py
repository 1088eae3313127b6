from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from tests.plugins.transport_http.harness import Core

from gatewright_transport_http import intake as intake_module
from gatewright_transport_http.intake import Intake, IntakeClosed

pytestmark = pytest.mark.anyio

PUBLISH = Core().publish


@asynccontextmanager
async def running(intake: Intake) -> AsyncIterator[tuple[anyio.CancelScope, anyio.Event]]:
    """Run ``intake``; yields what cancels the run, and what tells that it ended."""
    scope, ended = anyio.CancelScope(), anyio.Event()

    async def run() -> None:
        with scope:
            await intake.run(PUBLISH)
        ended.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        await anyio.wait_all_tasks_blocked()
        yield scope, ended
        scope.cancel()


async def test_closed_before_it_runs():
    with pytest.raises(IntakeClosed, match="not taking publications now"), Intake().lend():
        pass


async def test_open_while_it_runs_and_closed_after():
    intake = Intake()
    async with running(intake):
        with intake.lend() as publish:
            assert publish == PUBLISH

    with pytest.raises(IntakeClosed), intake.lend():
        pass


async def test_what_was_lent_is_waited_for_while_new_requests_are_refused():
    intake = Intake()
    async with running(intake) as (scope, ended):
        with intake.lend():
            scope.cancel()
            await anyio.wait_all_tasks_blocked()
            assert not ended.is_set()
            with pytest.raises(IntakeClosed), intake.lend():
                pass
        await ended.wait()


async def test_what_is_never_returned_is_waited_for_only_so_long(monkeypatch):
    monkeypatch.setattr(intake_module, "FINISH_SECONDS", 0.01)
    intake = Intake()
    async with running(intake) as (scope, ended):
        with intake.lend():
            scope.cancel()
            with anyio.fail_after(5):
                await ended.wait()


async def test_it_can_run_again():
    intake = Intake()
    for _ in range(2):
        async with running(intake):
            with intake.lend() as publish:
                assert publish == PUBLISH
