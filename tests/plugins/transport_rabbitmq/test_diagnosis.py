"""What the doctor finds for this transport."""

import pytest
from pydantic import SecretStr
from tests.support.diagnosis import diagnosed, statuses

from gatewright_rabbitmq_kit import Broker
from gatewright_transport_rabbitmq import gatewright_transport

pytestmark = pytest.mark.anyio


async def test_all_is_well_and_nothing_is_left(rabbitmq_server, rabbitmq):
    findings = await diagnosed(gatewright_transport, dsn=rabbitmq.dsn)

    assert set(statuses(findings).values()) == {"ok"}
    assert findings["queue"].found == "ws.outbox is not there yet; the gateway makes it"
    assert "ws." not in await rabbitmq_server.ctl("list_queues", "-p", rabbitmq.name)


async def test_an_exchange_of_another_type(rabbitmq):
    async with (
        Broker(SecretStr(rabbitmq.dsn), name="test").session() as link,
        link.passing_channel() as channel,
    ):
        await channel.exchange_declare("ws.outbox", exchange_type="fanout", durable=True)

    findings = await diagnosed(gatewright_transport, dsn=rabbitmq.dsn)

    assert findings["exchange"].found == "ws.outbox is of type fanout, not direct"
