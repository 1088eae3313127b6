"""A gateway with the chart's file answers where Kubernetes, Prometheus and clients ask it."""

import pytest
import yaml
from tests.support.chart import container, gateway_file, of_kind, the
from tests.support.gateway import gateway, http_client
from websockets.asyncio.client import connect

pytestmark = pytest.mark.anyio


def sections():
    """Return the gateway's file of a release, on ports of this machine that are free."""
    config = yaml.safe_load(gateway_file("stateful"))
    free = {"bind": "127.0.0.1:0", "internal_bind": "127.0.0.1:0"}
    config["server"] |= free
    return yaml.safe_dump(config, default_flow_style=None)


async def test_what_is_asked_is_answered_and_the_internal_is_not_public(tmp_path):
    probes = ("startupProbe", "livenessProbe", "readinessProbe")
    paths = {container("stateful")[probe]["httpGet"]["path"] for probe in probes}
    paths |= {container("defaults")[probe]["httpGet"]["path"] for probe in probes}
    (monitor,) = of_kind("everything", "ServiceMonitor")
    scraped = monitor["spec"]["endpoints"][0]["path"]

    async with gateway(tmp_path, sections(), environ={"POD_NAME": "gw-0"}) as running:
        for path in paths | {scraped}:
            assert (await running.get(path)).status_code == 200, path
        assert "gatewright_connections" in (await running.get(scraped)).text
        assert (await running.get("/ready")).json()["node_id"] == "gw-0"
        async with http_client() as client:
            for path in (scraped, "/internal/connections"):
                assert (await client.get(f"http://{running.host}{path}")).status_code == 404
        async with connect(f"ws://{running.host}/live?token=42") as socket:
            await socket.send('{"type":"ping"}')
            assert await socket.recv() == '{"type":"pong"}'


def test_helms_own_test_asks_for_what_is_there():
    (box,) = the("defaults", "Pod")["spec"]["containers"]
    (script,) = box["args"]
    compile(script, "helm test", "exec")
    (port,) = [
        port["port"]
        for each in of_kind("defaults", "Service")
        if each["metadata"]["name"] == "gw-gatewright-internal"
        for port in each["spec"]["ports"]
    ]

    assert f"http://gw-gatewright-internal:{port}/ready" in script
