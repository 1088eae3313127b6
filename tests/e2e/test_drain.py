"""SIGTERM: everybody is told, nothing that was taken is lost, and the process goes."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from datetime import datetime

import httpx
import pytest
from tests.support.gateway import API_KEY, gateway
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gatewright.testing.servers import Answer, WebhookServer

pytestmark = pytest.mark.anyio


async def read_all(client):
    """Read frames until the close; return the payloads and the close code and reason."""
    got = []
    try:
        while True:
            got.append(json.loads(await client.recv())["payload"])
    except ConnectionClosed as closed:
        return (
            got,
            closed.rcvd.code if closed.rcvd else None,
            closed.rcvd.reason if closed.rcvd else "",
        )


async def publish_numbers(running, subjects):
    """Publish 0, 1, 2, … until refused; return the numbers that were accepted, and a 503 seen."""
    accepted, refused_with = [], None
    async with httpx.AsyncClient(trust_env=False) as client:
        for number in itertools.count():
            try:
                answer = await client.post(
                    running.http + "/internal/publish",
                    json={"subjects": subjects, "payload": number},
                    headers={"X-Api-Key": API_KEY},
                )
            except httpx.HTTPError:
                break
            if answer.status_code != 200:
                refused_with = answer.status_code
                break
            accepted.append(number)
    return accepted, refused_with


async def test_no_client_misses_a_publication_before_its_own_close_frame(tmp_path):
    users = [str(number) for number in range(50)]
    async with WebhookServer.start() as backend:
        sections = f"events: {{webhook: {{url: '{backend.url}'}}}}"
        async with gateway(tmp_path, sections) as running:
            clients = [await running.socket(user) for user in users]
            readers = [asyncio.create_task(read_all(client)) for client in clients]
            publishing = asyncio.create_task(
                publish_numbers(running, [f"user:{user}" for user in users])
            )
            await backend.wait_for_events(len(users))
            while await running.metric("gatewright_deliveries_total") < 2000:
                await asyncio.sleep(0.01)
            running.terminate()
            accepted, refused_with = await publishing
            results = await asyncio.gather(*readers)
            assert await running.exited() == 0
            assert len(accepted) > 20
            assert refused_with in {503, None}
            for got, code, reason in results:
                assert code == 1012
                assert re.fullmatch(r"retry=\d+", reason)
                assert got == list(range(len(got)))
                assert len(got) >= len(accepted)  # HTTP stops before the sockets are told
            left = [one for one in backend.taken if one.json()["type"] == "disconnected"]
            assert {one.json()["user_id"] for one in left} == set(users)
            assert not any("Traceback" in line for line in running.raw_logs)


async def test_one_connection_drains_in_milliseconds(tmp_path):
    async with gateway(tmp_path) as running:
        async with running.socket() as client:
            running.terminate()
            _, code, _ = await read_all(client)
            assert code == 1012
            assert await running.exited() == 0
        began, ended = [
            datetime.fromisoformat((await running.logged(event))["timestamp"])
            for event in ("draining", "drained")
        ]
        assert (ended - began).total_seconds() < 2.0  # the bound is for hangs


async def test_while_draining_ready_is_503_and_nobody_gets_in(tmp_path):
    hold = asyncio.Event()

    async def answer(_request, _number):
        await hold.wait()
        return Answer()

    async with WebhookServer.start(answer) as backend:
        sections = f"events: {{webhook: {{url: '{backend.url}', timeout_seconds: 30}}}}"
        async with gateway(tmp_path, sections) as running:
            async with running.socket():
                running.terminate()
                await running.logged("draining")
                assert await running.metric("gatewright_draining") == 1
                answer = await running.get("/ready")
                assert answer.status_code == 503
                assert answer.json()["phase"] == "draining"
                with pytest.raises(InvalidStatus) as refused:
                    await running.socket("late")
                assert refused.value.response.status_code == 503
                with pytest.raises(httpx.HTTPStatusError) as unpublished:
                    await running.publish("late")
                assert unpublished.value.response.status_code == 503
            hold.set()
            assert await running.exited() == 0


async def test_what_cannot_be_flushed_becomes_dead_letters(tmp_path):
    async with WebhookServer.start(lambda _request, _number: Answer(503)) as backend:
        sections = (
            "server: {bind: '127.0.0.1:0', flush_seconds: 0.2}\n"
            f"events: {{webhook: {{url: '{backend.url}', base_seconds: 60}}}}"
        )
        async with gateway(tmp_path, sections) as running:
            async with running.socket() as client:
                await client.send('{"kept":true}')
                await backend.wait_for_requests(1)
            running.terminate()
            assert await running.exited() == 0
        lines = (tmp_path / "state" / "dead-letters.jsonl").read_text().splitlines()
        assert [kind for line in lines for kind in re.findall(r'"type": ?"(\w+)"', line)[:1]] == [
            "connected",
            "message_received",
            "disconnected",
        ]


async def test_a_second_sigterm_cuts_the_flush_short(tmp_path):
    async with WebhookServer.start(lambda _request, _number: Answer(503)) as backend:
        sections = (
            "server: {bind: '127.0.0.1:0', flush_seconds: 60}\n"
            f"events: {{webhook: {{url: '{backend.url}', base_seconds: 60}}}}"
        )
        async with gateway(tmp_path, sections) as running:
            async with running.socket():
                await backend.wait_for_requests(1)
            running.terminate()
            await running.logged("draining")
            running.terminate()
            assert await running.exited(10) == 0
        assert (tmp_path / "state" / "dead-letters.jsonl").exists()
