from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from tests.plugins.transport_http.harness import Core

from gatewright_transport_http import intake as intake_module
from gatewright_transport_http.intake import Intake, IntakeClosed

pytestmark = pytest.mark.anyio

CORE = Core()
PUBLISH = CORE.publish


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
    intake = Intake(CORE.command)

    with pytest.raises(IntakeClosed, match="not taking publications now"), intake.lend():
        pass
    with pytest.raises(IntakeClosed, match="not taking commands now"), intake.lend_command():
        pass


async def test_open_while_it_runs_and_closed_after():
    intake = Intake(CORE.command)
    async with running(intake):
        with intake.lend() as publish:
            assert publish == PUBLISH
        with intake.lend_command() as command:
            assert command == CORE.command

    with pytest.raises(IntakeClosed), intake.lend():
        pass
    with pytest.raises(IntakeClosed), intake.lend_command():
        pass


@pytest.mark.parametrize("lend", [Intake.lend, Intake.lend_command])
async def test_what_was_lent_is_waited_for_while_new_requests_are_refused(lend):
    intake = Intake(CORE.command)
    async with running(intake) as (scope, ended):
        with lend(intake):
            scope.cancel()
            await anyio.wait_all_tasks_blocked()
            assert not ended.is_set()
            with pytest.raises(IntakeClosed), lend(intake):
                pass
        await ended.wait()


async def test_what_is_never_returned_is_waited_for_only_so_long(monkeypatch):
    monkeypatch.setattr(intake_module, "FINISH_SECONDS", 0.01)
    intake = Intake(CORE.command)
    async with running(intake) as (scope, ended):
        with intake.lend():
            scope.cancel()
            with anyio.fail_after(5):
                await ended.wait()


async def test_it_can_run_again():
    intake = Intake(CORE.command)
    for _ in range(2):
        async with running(intake):
            with intake.lend() as publish:
                assert publish == PUBLISH
