"""The short form of `tests.faults.soak`, on both socket drivers."""

from __future__ import annotations

import pytest
from tests.faults import soak

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]


@pytest.mark.parametrize("driver", ["direct", "asgi"])
async def test_a_short_soak_adds_up(tmp_path, driver):
    soak.check(await soak.run(tmp_path, seconds=8, driver=driver))
