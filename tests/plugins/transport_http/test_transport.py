import pytest
from tests.plugins.transport_http.harness import KEY, opened

import gatewright_transport_http as plugin
from gatewright import Factory, HasRoutes

pytestmark = pytest.mark.anyio


def test_the_hook_declares_the_transport():
    factory = plugin.gatewright_transport()

    assert isinstance(factory, Factory)
    assert factory.settings is plugin.HttpSettings
    assert factory.needs == {"presence", "command"}
    assert plugin.GATEWRIGHT_API == (1, 0)


async def test_one_node_gets_each_request(api):
    assert api.transport.reach == "node"


async def test_everything_is_below_internal(api):
    assert isinstance(api.transport, HasRoutes)
    assert all(route.path.startswith("/internal/") for route in api.transport.routes())


async def test_two_of_them_count_apart_in_one_registry():
    async with opened(name="http/eu") as api:
        await api.publish({}, x_api_key=KEY)

        counted = api.registry.get_sample_value(
            "gatewright_http_eu_requests_total", {"route": "publish", "status": "200"}
        )
    assert counted == 1


async def test_once_closed_its_counter_is_gone():
    async with opened() as api:
        pass

    assert list(api.registry.collect()) == []


async def test_no_key_is_ever_logged_or_counted():
    async with opened(api_keys=["canary-1"]) as api:
        await api.publish({"api_key": "canary-2"}, x_api_key="canary-3")
        await api.publish({"api_key": "canary-1"})
        texts = [str(sample) for metric in api.registry.collect() for sample in metric.samples]

    assert "canary" not in f"{texts} {api.logged}"
