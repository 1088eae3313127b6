"""What the doctor finds for this sink and this store."""

import pytest
from pydantic import SecretStr
from tests.support.diagnosis import diagnosed, statuses

from gatewright_events_rabbitmq import gatewright_dead_letters, gatewright_events
from gatewright_rabbitmq_kit import Broker

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("hook", [gatewright_events, gatewright_dead_letters])
async def test_all_is_well_and_nothing_is_left(rabbitmq_server, rabbitmq, hook):
    findings = await diagnosed(hook, dsn=rabbitmq.dsn)

    assert set(statuses(findings).values()) == {"ok"}
    assert "ws.events" not in await rabbitmq_server.ctl("list_queues", "-p", rabbitmq.name)


async def test_every_exchange_that_gets_events_is_looked_at(rabbitmq):
    async with (
        Broker(SecretStr(rabbitmq.dsn), name="test").session() as link,
        link.passing_channel() as channel,
    ):
        await channel.exchange_declare("joined", exchange_type="headers", durable=True)

    routes = {"connected": {"exchange": "joined"}}
    findings = await diagnosed(gatewright_events, dsn=rabbitmq.dsn, routes=routes)

    assert findings["exchange"].found == "joined is of type headers, not direct"
