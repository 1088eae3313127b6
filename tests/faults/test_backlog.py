"""The short form of `tests.faults.backlog`: row 23."""

from __future__ import annotations

import pytest
from tests.faults import backlog

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]


async def test_a_backlog_is_bounded_and_no_socket_notices(tmp_path):
    outcome = await backlog.run(tmp_path, seconds=5)
    backlog.check(outcome)
    assert outcome.spilled
