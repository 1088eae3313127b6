"""Extensions in real gateways: observers in their order, those that raise, and their routes."""

from __future__ import annotations

import pytest
from tests.support.gateway import config_text, gateway
from tests.support.made import MadePlugins, ended
from tests.support.survival import eventually

pytestmark = pytest.mark.anyio


@pytest.fixture
def made(tmp_path):
    return MadePlugins(tmp_path / "plugins")


# -- observers -------------------------------------------------------------------------------------

NOTES = """
class Backend:
    def __init__(self, name):
        self.name = name

    def note(self, text):
        with open("notes", "a") as notes:
            notes.write(f"{self.name}: {text}\\n")

    def on_connected(self, event):
        self.note(f"connected {event.user_id}")

    def on_message_received(self, event):
        self.note(event.body.decode()[:27])
"""


async def test_extensions_see_events_in_the_order_of_the_file(tmp_path, made):
    made.plugin("extension", "notes", NOTES, "yield Backend(context.name)")
    sections = "extensions: {notes/second: {}, notes/first: {}}"
    async with gateway(tmp_path, sections, environ=made.environ) as running:
        async with running.socket("7") as client:
            await client.send('{"say":"hi"}')
            await client.send('{"type":"ping"}')
            assert await client.recv() == '{"type":"pong"}'
    assert (tmp_path / "notes").read_text().splitlines() == [
        "notes/second: connected 7",
        "notes/first: connected 7",
        'notes/second: {"type":"message_received",',
        'notes/first: {"type":"message_received",',
    ]


RAISES = """
class Backend:
    def on_message_received(self, event):
        raise RuntimeError("canary-in-the-text")
"""


async def test_one_that_raises_is_off_and_ready_shows_it(tmp_path, made):
    made.plugin("extension", "audit", RAISES, settings="ExtensionSettings")
    sections = "extensions: {audit: {}}"
    async with gateway(tmp_path, sections, environ=made.environ) as running:
        async with running.socket() as client:
            await client.send('{"n":1}')
            await client.send('{"n":2}')
            await client.send('{"type":"ping"}')
            assert await client.recv() == '{"type":"pong"}'
        answer = await running.get("/ready")
        assert answer.status_code == 200
        assert answer.json()["parts"]["extensions.audit.observer"] == {
            "ready": True,
            "detail": "off: RuntimeError",
        }
        assert await running.metric("gatewright_observers_off_total", plugin="audit") == 1
        told = [entry["event"] for entry in running.logs if "audit" in entry["event"]]
        assert len(told) == 1


async def test_a_gateway_ends_with_one_that_may_not_fail(tmp_path, made):
    made.plugin("extension", "audit", RAISES, settings="ExtensionSettings")
    sections = "extensions: {audit: {on_error: fail}}"
    async with gateway(tmp_path, sections, environ=made.environ) as running:
        async with running.socket() as client:
            await client.send('{"n":1}')
            await client.wait_closed()
            assert client.close_code == 1012  # drained: clients are told when to come back
        assert await running.exited() == 1
        await eventually(lambda: logged(running, "a plugin failed; draining"))


async def logged(running, event):
    return any(entry["event"] == event for entry in running.logs)


async def test_on_error_is_one_of_two_words(tmp_path, made):
    made.plugin("extension", "audit", RAISES, settings="ExtensionSettings")
    text = config_text("extensions: {audit: {on_error: ignore}}")
    code, output = await ended(tmp_path, text, made)
    assert code == 2
    assert output.endswith(": extensions.audit.on_error: must be one of disable, fail\n")


@pytest.mark.parametrize(
    ("method", "problem"),
    [
        (
            "async def on_connected(self, event): ...",
            "on_connected is 'async def'; it must be a plain method: put async work in run()",
        ),
        (
            "async def on_event(self, event):\n        yield",
            "on_event is 'async def'; it must be a plain method: put async work in run()",
        ),
        (
            "async def health(self): ...",
            "health is 'async def'; it must be a plain method: put async work in run()",
        ),
        (
            "async def routes(self): ...",
            "routes is 'async def'; it must be a plain method: put async work in run()",
        ),
        ("def on_disconnected(self): ...", "on_disconnected must take the event alone"),
        ("def on_event(self, event, why): ...", "on_event must take the event alone"),
        ("on_message_received = True", "on_message_received must be a method, found bool"),
        ("def health(self, deep): ...", "health must take no argument"),
    ],
)
async def test_a_method_that_cannot_be_called_ends_the_start(tmp_path, made, method, problem):
    made.plugin("extension", "audit", f"class Backend:\n    {method}\n")
    code, output = await ended(tmp_path, config_text("extensions: {audit: {}}"), made)
    assert code == 3
    assert output.splitlines()[-1] == f"plugin 'audit' (acme-audit 1.0): {problem}"
    assert "Traceback" not in output


# -- routes ----------------------------------------------------------------------------------------

ROUTES = """
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Mount, Route

async def page(request):
    return PlainTextResponse(str(request.path_params))

class Backend:
    def routes(self):
        return {routes}
"""


def with_routes(made, name, routes):
    made.plugin("extension", name, ROUTES.replace("{routes}", routes))


@pytest.mark.parametrize(
    ("first", "second", "path"),
    [
        ("[Route('/a', page)]", "[Route('/a', page)]", "/a"),
        ("[Route('/a', page)]", "[Route('/a', page, methods=['PUT'])]", "/a"),
        ("[Route('/a/{id}', page)]", "[Route('/a/{name}', page)]", "/a/{name}"),
        ("[Route('/a/{id}', page)]", "[Route('/a/me', page)]", "/a/me"),
        ("[Route('/a/{id:int}', page)]", "[Route('/a/{n:int}', page)]", "/a/{n:int}"),
        ("[Mount('/', routes=[])]", "[Route('/b', page)]", "/b"),
        ("[Mount('/a', routes=[])]", "[Mount('/a', routes=[])]", "/a"),
    ],
)
async def test_two_plugins_cannot_have_one_path(tmp_path, made, first, second, path):
    with_routes(made, "one", first)
    with_routes(made, "two", second)
    code, output = await ended(tmp_path, config_text("extensions: {one: {}, two: {}}"), made)
    assert code == 3
    assert output.splitlines()[-1] == (
        f"plugin 'two' (acme-two 1.0) offers the route {path}, "
        "which plugin 'one' (acme-one 1.0) answers"
    )
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("path", "taken_by"),
    [
        ("/ready", "gatewright itself"),
        ("/metrics", "gatewright itself"),
        ("/ws", "the WebSocket (server.path)"),
        ("/internal/publish", "plugin 'http' (gatewright-transport-http "),
    ],
)
async def test_paths_that_are_taken_are_not_to_be_had(tmp_path, made, path, taken_by):
    with_routes(made, "one", f"[Route({path!r}, page)]")
    code, output = await ended(tmp_path, config_text("extensions: {one: {}}"), made)
    assert code == 3
    told = output.splitlines()[-1]
    assert f" offers the route {path}, which " in told
    assert taken_by in told
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("routes", "problem"),
    [
        ("1 / 0", "raised ZeroDivisionError: division by zero"),
        ("None", "raised TypeError: 'NoneType' object is not iterable"),
        ("['/a']", "must return Starlette routes, found str"),
        ("[Route('a', page)]", "raised AssertionError: Routed paths must start with '/'"),
    ],
)
async def test_routes_that_cannot_be_had_end_the_start(tmp_path, made, routes, problem):
    with_routes(made, "one", routes)
    code, output = await ended(tmp_path, config_text("extensions: {one: {}}"), made)
    assert code == 3
    assert output.splitlines()[-1] == f"plugin 'one' (acme-one 1.0): routes() {problem}"
    assert "Traceback" not in output


async def test_a_later_plugin_may_answer_what_earlier_ones_leave(tmp_path, made):
    with_routes(made, "one", "[Route('/a/me', page), Route('/n/{n:int}', page)]")
    with_routes(made, "two", "[Route('/a/{name}', page), Route('/n/{word}', page)]")
    with_routes(made, "rest", "[Route('/{rest:path}', page)]")
    sections = "extensions: {one: {}, two: {}, rest: {}}"
    async with gateway(tmp_path, sections, environ=made.environ) as running:
        answers = {
            path: (await running.get(path)).text for path in ("/a/me", "/a/x", "/n/1", "/n/a", "/z")
        }
        assert (await running.get("/health")).json() == {"ok": True}
    assert answers == {
        "/a/me": "{}",
        "/a/x": "{'name': 'x'}",
        "/n/1": "{'n': 1}",
        "/n/a": "{'word': 'a'}",
        "/z": "{'rest': 'z'}",
    }
