"""What the doctor finds for this bus."""

import pytest
from pydantic import SecretStr
from tests.support.diagnosis import diagnosed, statuses

from gatewright_bus_rabbitmq import gatewright_bus
from gatewright_rabbitmq_kit import Broker

pytestmark = pytest.mark.anyio


async def test_all_is_well_and_nothing_is_left(rabbitmq_server, rabbitmq):
    findings = await diagnosed(gatewright_bus, dsn=rabbitmq.dsn)

    assert set(statuses(findings).values()) == {"ok"}
    assert findings["queue"].found == "gatewright.bus.gw-1 is not there yet; the gateway makes it"
    assert "gw-1" not in await rabbitmq_server.ctl("list_queues", "-p", rabbitmq.name)


async def test_an_exchange_of_another_type(rabbitmq):
    async with (
        Broker(SecretStr(rabbitmq.dsn), name="test").session() as link,
        link.passing_channel() as channel,
    ):
        await channel.exchange_declare("gatewright.bus", exchange_type="topic", durable=True)

    findings = await diagnosed(gatewright_bus, dsn=rabbitmq.dsn)

    assert findings["exchange"].found == "gatewright.bus is of type topic, not fanout"
