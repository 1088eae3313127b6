"""A real Prometheus scrapes a real gateway, and has an answer for every query of the dashboard."""

import asyncio
import json
import shutil
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
import yaml
from tests.deploy.test_dashboard import EVERYTHING, PANELS, plain, queries
from tests.support.gateway import gateway, http_client
from tests.support.rules import RULES, alerts, metrics_of
from websockets.asyncio.client import connect

from gatewright.testing.ports import free_port

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

RARE = {  # what this gateway has no reason to count
    "gatewright_spills_total",
    "gatewright_observers_off_total",
    "gatewright_presence_failures_total",
    "gatewright_auth_jwt_key_fetches_total",
    "gatewright_auth_jwt_token_cache_total",
}


@asynccontextmanager
async def prometheus(folder, target):
    """Run a Prometheus that scrapes ``target`` and has our rules; yield a function that asks it."""
    command = shutil.which("prometheus")
    assert command, "prometheus is not installed; run: make system-packages"
    config = {
        "global": {"scrape_interval": "250ms", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [{"job_name": "gatewright", "static_configs": [{"targets": [target]}]}],
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    process = await asyncio.create_subprocess_exec(
        command,
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )

    async def ask(path, **parameters):
        async with http_client() as client:
            answer = await client.get(f"http://{address}/api/v1/{path}", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    try:
        await serves(address)
        yield ask
    finally:
        process.terminate()
        await process.wait()


async def serves(address):
    async with asyncio.timeout(20):
        while True:
            with suppress(httpx.TransportError):
                async with http_client() as client:
                    if (await client.get(f"http://{address}/-/ready")).status_code == 200:
                        return
            await asyncio.sleep(0.05)


async def until(ask, query):
    """Wait until a query has a result; return it."""
    async with asyncio.timeout(20):
        while not (result := (await ask("query", query=query))["result"]):
            await asyncio.sleep(0.1)
    return result


async def test_it_has_an_answer_for_every_panel(tmp_path, redis):
    async with (
        gateway(tmp_path, EVERYTHING.format(dsn=redis.dsn)) as running,
        prometheus(tmp_path, running.internal) as ask,
        running.socket() as client,
    ):
        await running.publish("hello")
        await client.recv()
        async with connect(running.url) as refused:
            await refused.wait_closed()
        async with running.socket("other"):
            pass
        for name in ("dead_letters", "closes", "handshakes", "deliveries"):
            await until(ask, f"count_over_time(gatewright_{name}_total[1m]) > 1")  # as rates need
        empty = []
        for panel in PANELS:
            for query in map(plain, queries(panel)):
                result = (await ask("query", query=query))["result"]
                if not result and not metrics_of(query) <= RARE:
                    empty.append(query)
        rules = (await ask("rules"))["groups"]

    healthy = [query for query in empty if query.endswith("== 0)")]  # nothing is not ready
    assert set(empty) == set(healthy)
    checked = [rule for group in rules for rule in group["rules"]]
    assert {rule["name"] for rule in checked} == set(alerts())
    assert {rule["health"] for rule in checked} <= {"ok", "unknown"}, json.dumps(checked)
