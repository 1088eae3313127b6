"""Several gateways as one."""

import pytest
from tests.support.cluster import cluster


@pytest.fixture(params=["redis", "rabbitmq"])
async def two(request, tmp_path, redis, rabbitmq):
    async with cluster(tmp_path, redis, rabbitmq, request.param, "a", "b") as made:
        yield made
