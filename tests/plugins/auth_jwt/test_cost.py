"""The short form of `tests.plugins.auth_jwt.cost`: bounds that a busy machine keeps, too."""

import pytest
from tests.plugins.auth_jwt import cost

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("algorithm", cost.KEYS)
async def test_a_remembered_token_costs_a_fraction_of_a_checked_one(algorithm):
    found = await cost.costs(algorithm, rounds=7, calls=50)

    assert found["remembered"] < found["checked"] / 2
    assert found["checked"] < 2  # with claims, subjects and all, of what PyJWT's own decode takes


async def test_a_crowd_is_checked_in_many_turns():
    assert len(await cost.storm(300)) > 5
