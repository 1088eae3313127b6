"""The short form of `tests.faults.dead_webhook`."""

from __future__ import annotations

import pytest
from tests.faults import dead_webhook

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]


async def test_a_dead_webhook_costs_no_client_and_no_event(tmp_path):
    outcome = await dead_webhook.run(tmp_path, clients=60, seconds=8, max_age=3)
    dead_webhook.check(outcome, 60)
    assert outcome.letters
    assert outcome.delivered
    pings = sorted(outcome.ping_seconds)
    assert pings[len(pings) // 2] < 0.1
