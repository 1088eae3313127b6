import asyncio
import json
import re
from contextlib import asynccontextmanager

import anyio
import httpx
import pytest
import structlog
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from gatewright import (
    BusUnavailable,
    ConnectionInfo,
    ConnectionPage,
    Event,
    PluginContext,
    PublicationLimits,
    Receipt,
    ServerInfo,
    StartError,
)
from gatewright.builtin.dev_console import gatewright_extension
from gatewright.metrics import Metrics

pytestmark = pytest.mark.anyio

BASE = "http://localhost:8180"
JSON = {"Content-Type": "application/json"}


class Gateway:
    """What the console needs of a gateway, on paper."""

    def __init__(self):
        self.published = []
        self.connected = []
        self.asked = []
        self.refuses = None

    async def publish(self, publication):
        if self.refuses is not None:
            raise self.refuses
        self.published.append(publication)
        return Receipt(len(publication.subjects))

    async def find(self, **question):
        self.asked.append(question)
        return ConnectionPage(self.connected)


def context(gateway=None, registry=None, **server):
    gateway = gateway or Gateway()
    return PluginContext(
        name="dev_console",
        log=structlog.get_logger(),
        metrics=registry or CollectorRegistry(),
        node_id="gw-1",
        spawn=lambda *_: None,
        limits=PublicationLimits(max_bytes=1000),
        server=ServerInfo(path="/socket", development=True, **server),
        provided={
            "publish": gateway.publish,
            "presence": gateway,
            "issue_token": lambda user_id: f"token of {user_id}",
        },
    )


@asynccontextmanager
async def console(gateway=None, registry=None, **settings):
    factory = gatewright_extension()
    async with factory.open(factory.settings(**settings), context(gateway, registry)) as opened:
        yield opened


@asynccontextmanager
async def browser(gateway=None, base=BASE, **settings):
    async with console(gateway, **settings) as opened:
        transport = httpx.ASGITransport(Starlette(routes=opened.routes()))
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            yield client


class Stream:
    """A request whose answer does not end, spoken to the application directly."""

    def __init__(self, app, headers=None):
        self.app, self.left = app, anyio.Event()
        given = {"host": "localhost"} | (headers or {})
        self.scope = {
            "type": "http",
            "method": "GET",
            "path": "/console/events",
            "query_string": b"",
            "headers": [(k.encode(), v.encode()) for k, v in given.items()],
            "asgi": {"version": "3.0"},
        }
        self.chunks = asyncio.Queue()

    async def receive(self):
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        if body := message.get("body"):
            self.chunks.put_nowait(body.decode())

    async def run(self):
        await self.app(self.scope, self.receive, self.send)
        self.chunks.put_nowait(None)

    async def until(self, text):
        read = ""
        with anyio.fail_after(10):
            while text not in read:
                read += await self.chunks.get()
        return read


@asynccontextmanager
async def following(opened, headers=None):
    stream = Stream(Starlette(routes=opened.routes()), headers)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stream.run)
        yield stream
        stream.left.set()


def event(number, **fields):
    given = {"type": "message_received", "body": b'{"a":1}', "reason": None} | fields
    return Event(
        id=f"e{number}", seq=number, connection_id="c1", user_id="42", occurred_at=1.5, **given
    )


async def test_it_opens_only_in_development():
    factory = gatewright_extension()
    served = context()
    object.__setattr__(served, "server", ServerInfo(development=False))

    with pytest.raises(StartError, match=r"^dev_console serves only under gatewright dev$"):
        async with factory.open(factory.settings(), served):
            pass


async def test_the_page_and_everything_it_loads_come_from_the_package():
    async with browser() as client:
        page = await client.get("/")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        paths = set(re.findall(r'(?:href|src)="(/[^"]+)"', page.text))
        assert paths == {"/console/favicon.svg", "/console/console.css", "/console/console.js"}
        script = await client.get("/console/console.js")
        imported = {f"/console/{name}" for name in re.findall(r'from "\./([^"]+)"', script.text)}
        types = {}
        for path in paths | imported:
            answer = await client.get(path)
            assert answer.status_code == 200, path
            types[path.rpartition(".")[2]] = answer.headers["content-type"]
        assert types == {
            "css": "text/css; charset=utf-8",
            "js": "text/javascript; charset=utf-8",
            "svg": "image/svg+xml",
        }


async def test_nothing_points_to_another_host():
    async with browser() as client:
        for name in ("", "console/console.css", "console/console.js", "console/card.js"):
            text = (await client.get(f"/{name}")).text
            assert not re.findall(r"(?:https?:)?//[a-z0-9.]+\.[a-z]{2,}", text), name
            assert " style=" not in text
            assert "<script>" not in text


@pytest.mark.parametrize("path", ["/", "/console/console.js", "/console/connections"])
async def test_answers_allow_this_origin_and_no_other(path):
    async with browser() as client:
        headers = (await client.get(path)).headers

    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'self'; connect-src 'self' ws://localhost:8180 ")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path", ["/console/nothing.js", "/console/__init__.py", "/console/..%2fx.js"]
)
async def test_what_is_no_asset_is_not_found(path):
    async with browser() as client:
        assert (await client.get(path)).status_code == 404


async def test_a_token_comes_with_the_path_of_the_websocket():
    async with browser() as client:
        answer = await client.post("/console/token", json={"user_id": "Zoë / 42"})

    assert answer.json() == {"token": "token of Zoë / 42", "path": "/socket"}
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "body",
    [b'{"user_id":""}', b'{"user_id":"a\\nb"}', b'{"user_id":7}', b"{}", b"[]", b"{", b"\xff",
     b'{"user_id":"' + b"x" * 513 + b'"}', b'{"user_id":"' + b"x" * 9000 + b'"}'],
)  # fmt: skip
async def test_a_bad_user_id_is_refused_with_a_reason(body):
    async with browser() as client:
        answer = await client.post("/console/token", content=body, headers=JSON)

    assert answer.status_code == 400
    assert answer.json()["error"]


async def test_publishing_passes_the_payload_on_byte_for_byte():
    gateway = Gateway()
    async with browser(gateway) as client:
        body = b'{"subjects":["user:42","user:43"],"payload":{"n": 1.50 }}'
        answer = await client.post("/console/publish", content=body, headers=JSON)

    assert answer.json() == {"sent": 2}
    assert gateway.published[0].payload == b'{"n": 1.50 }'
    assert gateway.published[0].subjects == ("user:42", "user:43")


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[]", 400), (b'{"subjects":7}', 400), (b'{"payload":NaN}', 400),
     (b'{"payload":"' + b"x" * 1000 + b'"}', 413)],
)  # fmt: skip
async def test_a_bad_publication_is_refused_with_a_reason(body, status):
    gateway = Gateway()
    async with browser(gateway) as client:
        answer = await client.post("/console/publish", content=body, headers=JSON)

    assert answer.status_code == status
    assert answer.json()["error"]
    assert gateway.published == []


async def test_a_bus_that_is_away_is_said():
    gateway = Gateway()
    gateway.refuses = BusUnavailable("the bus is away")
    async with browser(gateway) as client:
        answer = await client.post("/console/publish", content=b"{}", headers=JSON)

    assert (answer.status_code, answer.json()) == (503, {"error": "the bus is away"})


async def test_it_tells_who_is_connected():
    gateway = Gateway()
    gateway.connected.append(ConnectionInfo("c1", "42", ("user:42", "news"), 1_700_000_000))
    async with browser(gateway) as client:
        answer = await client.get("/console/connections")

    connection = {
        "connection_id": "c1", "user_id": "42", "subjects": ["user:42", "news"],
        "connected_at": 1_700_000_000,
    }  # fmt: skip
    assert answer.json() == {"connections": [connection], "more": False}
    assert gateway.asked == [{"limit": 200}]


async def test_events_are_streamed_as_they_happen():
    async with console() as opened, following(opened) as stream:
        assert '"node":"gw-1"' in await stream.until("event: hello")
        opened.on_event(event(1, body=b'{"raw":"\xc3\xbc\\n"}'))
        text = await stream.until("event: event")

    shown = json.loads(re.search(r"event: event\ndata: (.*)\n", text)[1])
    assert shown == {
        "type": "message_received", "id": "e1", "seq": 1, "connection_id": "c1", "user_id": "42",
        "at": 1.5, "reason": None, "body": '{"raw":"ü\\n"}', "cut": 0,
    }  # fmt: skip


async def test_who_comes_back_gets_only_what_it_missed():
    async with console() as opened:
        opened.on_event(event(1))
        opened.on_event(event(2))
        async with following(opened) as stream:
            text = await stream.until('"e2"')
        first = re.findall(r"id: (\S+)\n", text)[0]
        async with following(opened, {"last-event-id": first}) as stream:
            again = await stream.until('"e2"')
        async with following(opened, {"last-event-id": "other.1"}) as stream:
            other = await stream.until('"e2"')

    assert '"e1"' in text
    assert '"e1"' not in again
    assert '"e1"' in other


async def test_counters_are_the_gateways_own():
    metrics = Metrics()
    metrics.connections.set(3)
    metrics.messages.labels("ping").inc(2)
    metrics.messages.labels("object").inc(5)
    async with console(registry=metrics.registry) as opened, following(opened) as stream:
        first = await stream.until("event: counters")
        metrics.deliveries.inc(9)
        later = await stream.until('"deliveries":9')

    counts = json.loads(re.search(r"event: counters\ndata: (.*)\n", first)[1])
    assert (counts["connections"], counts["messages"], counts["deliveries"]) == (3, 7, 0)
    assert "event: counters" in later


async def test_its_streams_end_as_soon_as_its_work_is_stopped():
    async with console() as opened, anyio.create_task_group() as tasks:
        stream = Stream(Starlette(routes=opened.routes()))
        tasks.start_soon(stream.run)
        running = asyncio.create_task(opened.run())
        await stream.until("event: hello")
        running.cancel()
        with anyio.fail_after(5):
            while await stream.chunks.get() is not None:
                pass


async def test_a_reader_that_leaves_is_forgotten():
    async with console() as opened:
        async with following(opened) as stream:
            await stream.until("event: hello")
            assert len(opened._feed._watchers) == 1
        assert opened._feed._watchers == set()
