"""Handlers, and users."""

import asyncio
import contextvars
import functools
import threading

import pytest

from gatewright_sdk.errors import ConfigurationError
from gatewright_sdk.events import Events
from gatewright_sdk.model import Connected, Delivery, Disconnected, Event, MessageReceived

pytestmark = pytest.mark.anyio

COMMON = {"connection_id": "c1", "user_id": "42", "subjects": (), "connected_at": 1}
CONNECTED = Connected(**COMMON, delivery=Delivery(source="webhook"))
DISCONNECTED = Disconnected(**COMMON, delivery=Delivery(source="webhook"))
MESSAGE = MessageReceived(**COMMON, message={}, raw="{}", delivery=Delivery(source="webhook"))


async def asynchronously(events, event):
    await events.dispatch(event)


async def synchronously(events, event):
    await asyncio.to_thread(events.dispatch_sync, event)


@pytest.fixture(params=[asynchronously, synchronously])
def dispatch(request):
    return request.param


async def test_handlers_hear_of_their_types_in_the_order_of_registration(dispatch):
    events, heard = Events(), []

    @events.on(Connected, Disconnected)
    async def first(event):
        await asyncio.sleep(0)
        heard.append(("first", type(event)))

    @events.on(Event)
    def second(event):
        heard.append(("second", type(event)))

    @events.on(MessageReceived)
    async def third(event):
        heard.append(("third", type(event)))

    for event in (CONNECTED, MESSAGE, DISCONNECTED):
        await dispatch(events, event)

    assert heard == [
        ("first", Connected),
        ("second", Connected),
        ("second", MessageReceived),
        ("third", MessageReceived),
        ("first", Disconnected),
        ("second", Disconnected),
    ]


@pytest.mark.parametrize("place", [0, 1])
async def test_an_exception_ends_it(dispatch, place):
    events, heard = Events(), []

    async def fails(_event):
        raise LookupError

    def fails_plainly(_event):
        raise LookupError

    events.on(Connected)(lambda _event: heard.append("before"))
    events.on(Connected)((fails, fails_plainly)[place])
    events.on(Connected)(lambda _event: heard.append("after"))

    with pytest.raises(LookupError):
        await dispatch(events, CONNECTED)
    assert heard == ["before"]


async def test_plain_handlers_do_not_block_the_loop():
    events, entered, go = Events(), asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    @events.on(Connected)
    def blocks(_event):
        loop.call_soon_threadsafe(entered.set)
        assert go.wait(10)

    dispatching = asyncio.create_task(events.dispatch(CONNECTED))
    await entered.wait()
    go.set()
    await dispatching


async def test_anything_that_can_be_called_is_a_handler(dispatch):
    events, heard = Events(), []

    class Callable:
        async def __call__(self, event):
            heard.append("object")

    async def function(word, event):
        heard.append(word)

    events.on(Connected)(Callable())
    events.on(Connected)(functools.partial(function, "partial"))
    events.on(Connected)(lambda event: function("lambda", event))
    await dispatch(events, CONNECTED)

    assert heard == ["object", "partial", "lambda"]


async def test_context_variables_reach_handlers(dispatch):
    events, heard = Events(), []
    request = contextvars.ContextVar("request")

    @events.on(Connected)
    async def one(_event):
        heard.append(request.get())

    @events.on(Connected)
    def two(_event):
        heard.append(request.get())

    request.set("r1")
    await dispatch(events, CONNECTED)
    assert heard == ["r1", "r1"]


async def test_without_a_resolver_the_user_is_the_id(dispatch):
    events, users = Events(), []

    @events.on(Connected)
    async def one(event):
        users.append(await events.user(event))

    @events.on(Connected)
    def two(event):
        users.append(events.user_sync(event))

    await dispatch(events, CONNECTED)
    assert users == ["42", "42"]


@pytest.mark.parametrize("kind", ["async", "plain"])
async def test_a_user_is_resolved_when_first_asked_for_and_once_per_event(dispatch, kind):
    asked, users = [], []

    async def load(user_id):
        asked.append(user_id)
        return {"name": user_id}

    def load_plainly(user_id):
        asked.append(user_id)
        return {"name": user_id}

    events = Events(resolve_user=load if kind == "async" else load_plainly)
    events.on(Disconnected)(lambda _event: None)

    @events.on(Connected)
    async def one(event):
        users.extend(await asyncio.gather(events.user(event), events.user(event)))

    @events.on(Connected)
    def two(event):
        users.append(events.user_sync(event))

    await dispatch(events, DISCONNECTED)
    assert asked == [], "nobody asked"
    await dispatch(events, CONNECTED)
    assert asked == ["42"]
    assert users == [{"name": "42"}] * 3
    await dispatch(events, CONNECTED)
    assert asked == ["42", "42"], "the next event asks again"


async def test_a_resolver_that_failed_is_asked_again():
    asked = []

    async def load(user_id):
        asked.append(user_id)
        if len(asked) == 1:
            raise LookupError
        return user_id

    events = Events(resolve_user=load)

    @events.on(Connected)
    async def one(event):
        with pytest.raises(LookupError):
            await events.user(event)
        assert await events.user(event) == "42"

    await events.dispatch(CONNECTED)
    assert len(asked) == 2
    assert await events.user(MESSAGE) == "42", "outside a dispatch it is asked each time"


async def test_waiting_for_oneself_is_an_error_instead():
    events = Events()

    @events.on(Disconnected)
    async def never(_event):
        raise AssertionError

    @events.on(Connected)
    async def nested(_event):
        events.dispatch_sync(DISCONNECTED)

    with pytest.raises(RuntimeError, match="must await"):
        await asyncio.to_thread(events.dispatch_sync, CONNECTED)


async def test_a_cancelled_dispatch_cancels_its_handler():
    events, began, ended = Events(), asyncio.Event(), []

    @events.on(Connected)
    async def waits(_event):
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    dispatching = asyncio.create_task(events.dispatch(CONNECTED))
    await began.wait()
    dispatching.cancel()
    await asyncio.wait({dispatching})
    assert dispatching.cancelled()
    assert ended == [True]


@pytest.mark.parametrize("kinds", [(), (str,), ("connected",), (Connected, Delivery)])
def test_only_types_of_events_can_be_heard(kinds):
    with pytest.raises(ConfigurationError, match="types of events"):
        Events().on(*kinds)


def test_only_functions_can_hear():
    with pytest.raises(ConfigurationError, match="must be a function, found int"):
        Events().on(Connected)(5)
