"""What the doctor finds for this transport."""

import pytest
from tests.kits.redis.servers import command
from tests.support.diagnosis import diagnosed, statuses

from gatewright import Finding
from gatewright_transport_redis import gatewright_transport

pytestmark = pytest.mark.anyio


async def test_all_is_well_and_nothing_is_left(redis):
    findings = await diagnosed(gatewright_transport, dsn=redis.dsn, trim_seconds=60)

    assert set(statuses(findings).values()) == {"ok"}
    assert await command(redis.port, "DBSIZE") == b":0\r\n"


async def test_a_user_that_may_read_and_write_no_dead_letters(redis):
    await command(redis.port, "ACL SETUSER gw on >pw ~ws.outbox +@all -xtrim")
    dsn = f"redis://gw:pw@127.0.0.1:{redis.port}"

    findings = await diagnosed(gatewright_transport, dsn=dsn, trim_seconds=60)

    assert findings["rights"] == Finding.error(
        "rights",
        "user gw may not run xtrim, nor use ws.dlq",
        fix=f"redis-cli -h 127.0.0.1 -p {redis.port} acl setuser gw +xtrim '~ws.dlq'",
    )


async def test_a_stream_that_is_none(redis):
    await command(redis.port, "SET ws.dlq x")

    findings = await diagnosed(gatewright_transport, dsn=redis.dsn)

    assert findings["stream"].found == "ws.dlq holds a string, not a stream"
