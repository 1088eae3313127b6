"""What the doctor finds for this sink and this store."""

import pytest
from tests.kits.redis.servers import command
from tests.support.diagnosis import diagnosed, statuses

from gatewright import Finding
from gatewright_events_redis import gatewright_dead_letters, gatewright_events

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("hook", [gatewright_events, gatewright_dead_letters])
async def test_all_is_well_and_nothing_is_left(redis, hook):
    findings = await diagnosed(hook, dsn=redis.dsn)

    assert set(statuses(findings).values()) == {"ok"}
    assert await command(redis.port, "DBSIZE") == b":0\r\n"


async def test_every_stream_that_gets_events_is_looked_at(redis):
    await command(redis.port, "SET joined x")

    findings = await diagnosed(gatewright_events, dsn=redis.dsn, streams={"connected": "joined"})

    assert findings["stream"].found == "joined holds a string, not a stream"


async def test_a_store_that_may_write_and_not_read(redis):
    await command(redis.port, "ACL SETUSER gw on >pw ~ws.events.dlq +@all -xrange")
    dsn = f"redis://gw:pw@127.0.0.1:{redis.port}"

    findings = await diagnosed(gatewright_dead_letters, dsn=dsn)

    assert findings["rights"] == Finding.error(
        "rights",
        "user gw may not run xrange, nor use {ws.events.dlq}:marks",
        fix=f"redis-cli -h 127.0.0.1 -p {redis.port} acl setuser gw +xrange "
        "'~{ws.events.dlq}:marks'",
    )


async def test_what_is_lost_is_named(redis):
    await command(redis.port, "CONFIG SET appendonly no")

    findings = await diagnosed(gatewright_dead_letters, dsn=redis.dsn)

    assert findings["persistence"].found == "none: a restart of Redis loses dead letters"
