"""The receiver before a real gateway: everything arrives, once more after a failure, in order."""

import asyncio
import sys

import pytest
from tests.support.backends import PATH, SECRET, under_uvicorn
from tests.support.gateway import gateway

from gatewright_sdk.events import Events, WebhookReceiver
from gatewright_sdk.model import Connected, Disconnected, Event, MessageReceived

pytestmark = pytest.mark.anyio

SECTIONS = """
events:
  webhook: {{url: "{url}", secret: "{secret}", base_seconds: 0.05}}
"""


class Heard:
    """What was handled, as it comes."""

    def __init__(self):
        self.events, self.changed = [], asyncio.Event()

    def add(self, event):
        self.events.append(event)
        self.changed.set()

    async def until(self, count):
        async with asyncio.timeout(20):
            while len(self.events) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.events


@pytest.fixture
def heard():
    return Heard()


def sections(url, secret=SECRET):
    return SECTIONS.format(url=url + PATH, secret=secret)


@pytest.mark.parametrize("secret", [SECRET, "any text"])
async def test_a_connection_is_heard_from_its_beginning_to_its_end(tmp_path, heard, secret):
    events = Events()
    events.on(Event)(heard.add)
    receiver = WebhookReceiver(events, secrets=["an old one", secret], path=PATH)
    async with (
        under_uvicorn(receiver) as url,
        gateway(tmp_path, sections(url, secret)) as running,
    ):
        async with running.socket("42") as client:
            await client.send('{"say": "hi"}')
            await client.send("no JSON")
            await heard.until(3)
        await heard.until(4)

    assert [type(each) for each in heard.events] == [
        Connected,
        MessageReceived,
        MessageReceived,
        Disconnected,
    ]
    assert [each.delivery.seq for each in heard.events] == [1, 2, 3, 4]
    assert len({each.delivery.id for each in heard.events}) == 4
    assert len({each.connection_id for each in heard.events}) == 1
    assert {(each.user_id, each.subjects) for each in heard.events} == {("42", ("user:42",))}
    said, raw = heard.events[1:3]
    assert (said.message, said.raw) == ({"say": "hi"}, '{"say": "hi"}')
    assert (raw.message, raw.raw) == ({"type": "raw", "payload": "no JSON"}, "no JSON")


async def test_an_event_whose_handler_failed_comes_again_before_the_next(tmp_path, heard):
    events, failures = Events(), iter([LookupError("once"), LookupError("twice")])

    @events.on(Connected)
    async def fails(event):
        for failure in failures:
            heard.add((event.delivery.id, "failed"))
            raise failure
        heard.add((event.delivery.id, "handled"))

    events.on(MessageReceived)(lambda event: heard.add((event.delivery.id, "next")))
    receiver = WebhookReceiver(events, secrets=[SECRET])
    async with (
        under_uvicorn(receiver) as url,
        gateway(tmp_path, sections(url)) as running,
        running.socket("42") as client,
    ):
        await client.send("{}")
        told = await heard.until(4)

    assert [word for _, word in told] == ["failed", "failed", "handled", "next"]
    assert len({name for name, _ in told[:3]}) == 1, "the id is the same each time"


async def test_one_that_is_switched_off_makes_no_dead_letters(tmp_path):
    receiver = WebhookReceiver(Events(), enabled=False)
    async with (
        under_uvicorn(receiver) as url,
        gateway(tmp_path, sections(url)) as running,
        running.socket("42"),
    ):
        said = await running.logged(
            "the webhook's receiver is switched off, or the path of its url is wrong: "
            "its events are dropped"
        )

    assert said["status"] == 404


async def test_the_doctor_is_content(tmp_path):
    receiver = WebhookReceiver(Events(), secrets=[SECRET], path=PATH)
    async with under_uvicorn(receiver) as url:
        path = tmp_path / "gateway.yaml"
        path.write_text('server: {bind: "127.0.0.1:0"}\nauth: {anonymous: {}}\n' + sections(url))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "gatewright", "doctor", "-c", str(path)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()

    assert b"answered 204" in said, said.decode()
