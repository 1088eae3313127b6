"""What the doctor finds for this bus."""

import pytest
from tests.kits.redis.servers import command
from tests.support.diagnosis import diagnosed, statuses

from gatewright import Finding
from gatewright_bus_redis import gatewright_bus

pytestmark = pytest.mark.anyio


async def test_all_is_well_and_nothing_is_left(redis):
    findings = await diagnosed(gatewright_bus, dsn=redis.dsn)

    assert set(statuses(findings).values()) == {"ok"}
    assert await command(redis.port, "DBSIZE") == b":0\r\n"


async def test_a_user_that_may_not_write(redis):
    await command(redis.port, "ACL SETUSER gw on >pw ~gatewright.bus +@all -xadd")

    findings = await diagnosed(gatewright_bus, dsn=f"redis://gw:pw@127.0.0.1:{redis.port}")

    assert findings["rights"] == Finding.error(
        "rights",
        "user gw may not run xadd",
        fix=f"redis-cli -h 127.0.0.1 -p {redis.port} acl setuser gw +xadd",
    )


async def test_a_stream_that_is_none(redis):
    await command(redis.port, "SADD gatewright.bus x")

    findings = await diagnosed(gatewright_bus, dsn=redis.dsn)

    assert findings["stream"].found == "gatewright.bus holds a set, not a stream"
