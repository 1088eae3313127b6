"""The same from plain code: threads, forks, and errors."""

import multiprocessing
import threading

import anyio.from_thread
import pytest
from tests.sdk.conftest import KEY, gateway_with, heard

from gatewright_sdk import Publication, Refused, Settings
from gatewright_sdk.private_loop import _PrivateLoop
from gatewright_sdk.sync import Presence, Publisher


@pytest.fixture
def there():
    """A gateway, which lives in a thread of its own, and the settings that lead to it."""
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(gateway_with()) as gateway,
    ):
        environ = {"WS_GATEWAY_BASE_URL": gateway.http, "WS_GATEWAY_API_KEY": KEY}
        yield portal, gateway, environ


def connected(portal, gateway, user):
    async def connect():
        client = await gateway.connect(user)
        await gateway.events.wait_for("connected", user=user)
        return client

    return portal.call(connect)


def test_plain_code_publishes_and_asks(there):
    portal, gateway, environ = there
    settings = Settings.from_env(environ)
    client = connected(portal, gateway, "42")
    with Publisher.from_settings(settings) as publisher, Presence.from_settings(settings) as asked:
        assert publisher.publish("user:42", 1).sent == 1
        assert publisher.send(42, 2).sent == 1
        assert [each.sent for each in publisher.publish_many([Publication.to("user:42", 3)])] == [1]
        assert asked.is_online(42)
        assert asked.users() == {"42"}
        assert asked.count(user_id=42) == 1
        assert asked.count(subject="room:7") == 0
        assert [each.user_id for each in asked.connections(subject="user:42")] == ["42"]
        publisher.close()
        assert publisher.publish("user:42", 4).sent == 1  # connects anew
    heards = [heard(portal.call(client.recv)) for _ in range(4)]
    assert heards == [1, 2, 3, 4]


def test_many_threads_share_one(there):
    portal, gateway, environ = there
    client = connected(portal, gateway, "42")
    with Publisher.from_settings(Settings.from_env(environ)) as publisher:
        threads = [
            threading.Thread(target=publisher.publish, args=("user:42", number))
            for number in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {heard(portal.call(client.recv)) for _ in threads} == set(range(20))


def test_errors_come_through(there):
    _, _, environ = there
    settings = Settings.from_env(environ | {"WS_GATEWAY_API_KEY": "wrong"})
    with Publisher.from_settings(settings) as publisher:
        with pytest.raises(Refused, match="answered 401"):
            publisher.publish("user:42", 1)


def published_by_a_child(publisher, results):
    results.send(publisher.publish("user:42", "from the child").sent)


def test_a_process_that_was_forked_makes_its_own(there):
    portal, gateway, environ = there
    client = connected(portal, gateway, "42")
    with Publisher.from_settings(Settings.from_env(environ)) as publisher:
        publisher.publish("user:42", "before")
        receiving, sending = multiprocessing.Pipe(duplex=False)
        forking = multiprocessing.get_context("fork")
        child = forking.Process(target=published_by_a_child, args=(publisher, sending))
        child.start()
        assert receiving.poll(20)
        assert receiving.recv() == 1
        child.join()
        publisher.publish("user:42", "after")
    assert [heard(portal.call(client.recv)) for _ in range(3)] == [
        *("before", "from the child", "after")
    ]


def test_where_no_thread_can_start_the_call_fails_and_a_later_one_works(monkeypatch):
    private = _PrivateLoop()

    async def work():
        return 1

    def refuse(_thread):
        raise RuntimeError

    with monkeypatch.context() as without, pytest.raises(RuntimeError):
        without.setattr(threading.Thread, "start", refuse)
        private.run(work())
    assert private.run(work()) == 1
