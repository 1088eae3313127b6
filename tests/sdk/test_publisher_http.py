"""Publishing over HTTP: to a real gateway, and to servers that answer as gateways can."""

import asyncio
import json
import socket
from contextlib import asynccontextmanager

import pytest
from tests.sdk.conftest import KEY, heard

from gatewright.testing.servers.scripted import Answer, answering
from gatewright.testing.toxics import ToxicProxy
from gatewright_sdk import (
    Commands,
    ConfigurationError,
    HttpPresence,
    HttpTransport,
    InvalidPublication,
    Publication,
    Published,
    Publisher,
    Refused,
    Settings,
    Unavailable,
)
from gatewright_sdk.config import HttpPresenceSettings, HttpSettings

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def publisher_to(address, **options):
    settings = HttpSettings(base_url=f"http://{address}", **{"api_key": KEY, **options})
    async with Publisher(HttpTransport(settings)) as publisher:
        yield publisher


@asynccontextmanager
async def scripted(answer, **options):
    """Publish to a server that answers by ``answer(request, number)``."""
    requests = []

    async def handle(request):
        requests.append(request)
        return answer(request, len(requests) - 1)

    async with answering(handle) as port, publisher_to(f"127.0.0.1:{port}", **options) as it:
        yield it, requests


class Room:
    def subject_key(self):
        return "room:7"


async def test_who_hears_a_subject_hears_it(gateway):
    async with gateway.connect("42") as client, publisher_to(gateway.address) as publisher:
        await gateway.events.wait_for("connected", user="42")
        published = await publisher.publish("user:42", {"grüß": "dich \u2028"})
        assert published == Published(sent=1, exact=True)
        assert heard(await client.recv()) == {"grüß": "dich \u2028"}


async def test_objects_of_the_application_become_subjects(gateway):
    async with gateway.connect("7") as client, publisher_to(gateway.address) as publisher:
        await gateway.events.wait_for("connected", user="7")
        assert (await publisher.send(7, 1)).sent == 1
        assert (await publisher.send([8, "7", Room()], 2)).sent == 1
        assert (await publisher.send("user:7", 3)).sent == 0  # an id, not a subject
        assert [heard(await client.recv()) for _ in range(2)] == [1, 2]


async def test_a_prefix_and_the_rest_come_from_the_settings(gateway):
    settings = Settings.from_env(
        {
            "WS_GATEWAY_BASE_URL": gateway.http,
            "WS_GATEWAY_API_KEY": KEY,
            "WS_USER_PREFIX": "user:4",
        }
    )
    async with gateway.connect("42") as client, Publisher.from_settings(settings) as publisher:
        await gateway.events.wait_for("connected", user="42")
        assert (await publisher.send(2, "hi")).sent == 1
        assert heard(await client.recv()) == "hi"


async def test_an_id_is_delivered_once(gateway):
    async with gateway.connect("42") as client, publisher_to(gateway.address) as publisher:
        await gateway.events.wait_for("connected", user="42")
        assert not (await publisher.publish("user:42", 1, id="a")).duplicate
        assert await publisher.publish("user:42", 1, id="a") == Published(1, True, True)
        await publisher.publish("user:42", 2)
        assert [heard(await client.recv()) for _ in range(2)] == [1, 2]


async def test_many_go_in_their_order(gateway):
    async with gateway.connect("42") as client, publisher_to(gateway.address) as publisher:
        await gateway.events.wait_for("connected", user="42")
        several = [Publication.to("user:42", number) for number in range(1500)]
        results = await publisher.publish_many(several)
        assert [each.sent for each in results] == [1] * 1500
        assert [heard(await client.recv()) for _ in several] == list(range(1500))
        assert await publisher.publish_many([]) == []


async def test_a_batch_stays_within_a_gateways_limits(gateway):
    async with publisher_to(gateway.address) as publisher:
        large = [Publication.to("user:42", "x" * 300_000) for _ in range(5)]
        wide = [Publication.to([f"room:{n}" for n in range(6000)], 1) for _ in range(3)]
        assert len(await publisher.publish_many(large + wide)) == 8


async def test_an_older_gateway_gets_a_batch_one_by_one():
    def older(request, _number):  # knows no batch: neither subjects nor payload is fine with it
        return Answer.of({"sent": len(request.json().get("subjects", ()))})

    async with scripted(older) as (publisher, requests):
        several = [Publication.to("a", 1), Publication.to(["a", "b"], 2)]
        assert [each.sent for each in await publisher.publish_many(several)] == [1, 2]
        assert [request.json().get("payload") for request in requests] == [None, 1, 2]


async def test_a_wrong_key_is_refused_and_not_told(gateway):
    async with publisher_to(gateway.address, api_key="hunter2") as publisher:
        with pytest.raises(Refused, match=r"/internal/publish answered 401: ") as caught:
            await publisher.publish("user:42", 1)
        assert "hunter2" not in str(caught.value)


async def test_what_a_gateway_does_not_take_is_told(gateway):
    async with publisher_to(gateway.address) as publisher:
        with pytest.raises(Refused, match=r"answered 413"):
            await publisher.publish("user:42", "x" * 2_000_000)
        with pytest.raises(Refused, match=r"answered 400: .*messages\[1\]"):
            await publisher.publish_many(
                [Publication.to("a", 1), Publication.to("a", 1, "x" * 600)]
            )


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (float("nan"), "Out of range float values are not JSON compliant"),
        ({1, 2}, "Object of type set is not JSON serializable"),
        ("\ud800", "half of a surrogate pair"),
        ([circle := [], circle.append(circle)], "Circular reference detected"),
    ],
)
async def test_what_is_no_json_is_not_sent(payload, why):
    async with scripted(lambda _r, _n: Answer.of({"sent": 0})) as (publisher, requests):
        with pytest.raises(InvalidPublication, match=f"^this publication is no JSON: {why}"):
            await publisher.publish("user:42", payload)
        with pytest.raises(InvalidPublication):
            await publisher.publish_many([Publication.to("a", 1), Publication.to("a", payload)])
        assert requests == []


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
async def test_what_may_work_later_is_unavailable(status):
    answer = Answer(status, b'{"error":"later"}', {"Retry-After": "7"})
    async with scripted(lambda _r, _n: answer) as (publisher, _):
        with pytest.raises(Unavailable, match=f"answered {status}: later") as caught:
            await publisher.publish("user:42", 1)
        assert caught.value.retry_after == 7


@pytest.mark.parametrize("status", [301, 404, 405, 426])
async def test_what_will_not_work_is_refused(status):
    answer = Answer(status, b"<html>", {"Location": "/elsewhere"})
    async with scripted(lambda _r, _n: answer) as (publisher, requests):
        with pytest.raises(Refused, match=f"answered {status}$"):
            await publisher.publish("user:42", 1)
        assert len(requests) == 1  # no redirect is followed


async def test_something_else_that_answers_is_no_gateway():
    async with scripted(lambda _r, _n: Answer(200, b"welcome")) as (publisher, _):
        with pytest.raises(Refused, match="answered with no JSON object"):
            await publisher.publish("user:42", 1)


async def test_attempts_come_with_one_id():
    def at_last(_request, number):
        return Answer(503) if number < 2 else Answer.of({"sent": 3})

    async with scripted(at_last, attempts=3) as (publisher, requests):
        assert (await publisher.publish("user:42", 1)).sent == 3
        ids = {request.json()["id"] for request in requests}
        assert len(requests) == 3
        assert len(ids) == 1


async def test_nobody_waits_for_an_hour():
    busy = Answer(503, headers={"Retry-After": "3600"})
    async with scripted(lambda _r, _n: busy, attempts=3) as (publisher, requests):
        with pytest.raises(Unavailable) as caught:
            await publisher.publish("user:42", 1)
        assert caught.value.retry_after == 3600
        assert len(requests) == 1


async def test_one_attempt_has_no_id_of_its_own():
    async with scripted(lambda _r, _n: Answer.of({"sent": 0})) as (publisher, requests):
        await publisher.publish("user:42", 1)
        assert requests[0].json() == {"subjects": ["user:42"], "payload": 1}
        assert requests[0].headers["x-api-key"] == KEY


async def test_half_a_batch_tells_how_many_were_taken():
    half = Answer.of({"error": "the bus", "results": [{"sent": 1}, {"sent": 1}]}, 503)

    def answer(request, _number):
        messages = request.json()["messages"]
        return Answer.of({"results": [{"sent": 0}] * 1000}) if len(messages) == 1000 else half

    async with scripted(answer) as (publisher, _):
        with pytest.raises(Unavailable) as caught:
            await publisher.publish_many([Publication.to("a", n) for n in range(1005)])
        assert caught.value.published == 1002


async def test_a_key_that_no_header_can_carry_is_told():
    settings = HttpSettings(base_url="http://gateway", api_key="schlüssel")
    with pytest.raises(ConfigurationError, match=r"^api_key: must be ASCII") as caught:
        HttpTransport(settings)
    assert "schlüssel" not in str(caught.value)


async def test_nobody_there_is_unavailable():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        async with publisher_to(address) as publisher:
            with pytest.raises(Unavailable, match="does not answer: "):
                await publisher.publish("user:42", 1)


async def test_a_gateway_that_stalls_is_given_up_and_used_again(gateway):
    async with (
        ToxicProxy.to(*split(gateway.address)) as proxy,
        publisher_to(f"127.0.0.1:{proxy.port}", timeout_seconds=0.5) as publisher,
    ):
        await publisher.publish("user:42", 1)
        proxy.stall()
        with pytest.raises(Unavailable, match=r"did not answer within 0.5 s"):
            await publisher.publish("user:42", 1)
        proxy.heal()
        assert (await publisher.publish("user:42", 1)).sent == 0


async def test_being_cancelled_leaves_it_usable(gateway):
    async with (
        ToxicProxy.to(*split(gateway.address)) as proxy,
        publisher_to(f"127.0.0.1:{proxy.port}") as publisher,
    ):
        proxy.stall()
        task = asyncio.create_task(publisher.publish("user:42", 1))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        proxy.heal()
        assert (await publisher.publish("user:42", 1)).sent == 0


async def test_commands_reach_open_connections(gateway):
    async with gateway.connect("42") as client, publisher_to(gateway.address) as publisher:
        await gateway.events.wait_for("connected", user="42")
        commands = Commands(publisher.transport)
        reached = await commands.change_subjects(user_id=42, add=["room:7"])
        assert (reached.connections, reached.exact) == (1, True)
        await publisher.send(Room(), "in the room")
        assert heard(await client.recv()) == "in the room"
        connected = await gateway.events.wait_for("connected", user="42")
        this = json.loads(connected.body)["connection_id"]
        assert (await commands.disconnect(connection_id=this, code=4403, reason="out")).connections
        await client.wait_closed()
        assert (client.close_code, client.close_reason) == (4403, "out")
        with pytest.raises(Refused, match="answered 400"):
            await commands.disconnect(user_id="42", code=1)
        with pytest.raises(ConfigurationError, match="exactly one of user_id and connection_id"):
            await commands.disconnect()


def split(address):
    host, port = address.rsplit(":", 1)
    return host, int(port)


@pytest.mark.parametrize(
    "address", ["", "gateway", "ftp://g", "http://", "http://g:99999", "http://[x", "http://g:x"]
)
@pytest.mark.parametrize("part", ["publishing", "presence"])
def test_an_address_that_is_none_is_told_at_once(address, part):
    with pytest.raises(ConfigurationError, match=r"^base_url: must be http://host:port"):
        if part == "publishing":
            HttpTransport(HttpSettings(base_url=address))
        else:
            HttpPresence(HttpPresenceSettings(base_url=address))


@pytest.mark.parametrize("whom", [b"42", bytearray(b"42"), {"id": 42}])
async def test_bytes_and_mappings_are_not_taken_for_several_users(whom):
    async with publisher_to("127.0.0.1:9") as publisher:
        with pytest.raises(ConfigurationError, match=f"of type {type(whom).__name__}: pass a"):
            await publisher.send(whom, 1)


@pytest.mark.parametrize(
    ("publication", "wrong"),
    [
        (Publication("user:42", 1), "subjects: must be a tuple of texts"),
        (Publication.to([42], 1), "subjects: must be a tuple of texts"),
        (Publication.to(b"user:42", 1), "subjects: must be a tuple of texts"),
        (Publication.to("user:42", 1, 5), "id: must be a text, found int"),
    ],
)
def test_a_publication_that_gateways_would_refuse_is_not_sent(publication, wrong):
    with pytest.raises(InvalidPublication, match=wrong):
        publication.encoded()
