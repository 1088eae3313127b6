"""What the doctor finds for this store."""

import pytest
from tests.kits.redis.servers import command
from tests.support.diagnosis import diagnosed, statuses

from gatewright import Finding
from gatewright_presence_redis import gatewright_presence

pytestmark = pytest.mark.anyio


async def test_all_is_well_and_nothing_is_left(redis):
    findings = await diagnosed(gatewright_presence, dsn=redis.dsn)

    assert set(statuses(findings).values()) == {"ok"}
    assert await command(redis.port, "DBSIZE") == b":0\r\n"


async def test_a_user_without_scripts_and_without_the_gateways_own_keys(redis):
    await command(redis.port, "ACL SETUSER gw on >pw ~presence:* +@all -eval")

    findings = await diagnosed(gatewright_presence, dsn=f"redis://gw:pw@127.0.0.1:{redis.port}")

    assert findings["rights"] == Finding.error(
        "rights",
        "user gw may not run eval, nor use gatewright:presence:*",
        fix=f"redis-cli -h 127.0.0.1 -p {redis.port} acl setuser gw +eval '~gatewright:presence:*'",
    )


async def test_keys_that_expire_may_be_evicted(redis):
    await command(redis.port, "CONFIG SET maxmemory-policy volatile-ttl")

    findings = await diagnosed(gatewright_presence, dsn=redis.dsn)

    assert findings["eviction"].status == "warning"
