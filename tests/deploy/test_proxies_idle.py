"""Clients that say nothing, for longer than the proxies let a silent connection live."""

import asyncio

import pytest
from tests.support.gateway import gateway
from tests.support.proxies import haproxy, nginx, proxy

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(150)]

LONGER_THAN_THE_DEFAULT = 63  # nginx: 60 s


async def silent(client, seconds):
    """Wait, and be sure that nothing comes, the end of the connection included."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(seconds):
            await client.recv()


async def test_the_gateways_pings_keep_silent_clients_connected(tmp_path):
    """The one test that must take a minute: the timeouts as shipped, the keepalive as it is."""
    async with (
        gateway(tmp_path) as running,
        proxy(tmp_path, nginx, running.host) as first,
        proxy(tmp_path, haproxy, running.host) as second,
        first.socket() as one,
        second.socket() as another,
    ):
        await asyncio.gather(*(silent(each, LONGER_THAN_THE_DEFAULT) for each in (one, another)))

        assert await running.publish("still there") == 2
        for client in (one, another):
            assert await client.recv() == '{"type":"event","payload":"still there"}'
