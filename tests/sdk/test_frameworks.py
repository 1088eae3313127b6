"""The receiver within frameworks, each behind a real server."""

import sys
from types import ModuleType

import flask
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import clear_url_caches, path, set_urlconf
from django.views.decorators.csrf import csrf_exempt
from fastapi import FastAPI, Request, Response
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from tests.support.backends import (
    PATH,
    SECRET,
    event_body,
    signed,
    under_hypercorn,
    under_uvicorn,
)
from tests.support.gateway import http_client

from gatewright_sdk.events import Events, WebhookReceiver
from gatewright_sdk.model import Connected, MessageReceived

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:Uvicorn's native WSGI:DeprecationWarning"),
]


@pytest.fixture
def heard():
    return []


@pytest.fixture
def receiver(heard):
    events = Events()

    @events.on(Connected)
    async def hear(event):
        heard.append(event)

    @events.on(Connected)
    def hear_plainly(event):
        heard.append(event)

    @events.on(MessageReceived)
    def fails(_event):
        raise LookupError

    return WebhookReceiver(events, secrets=[SECRET], path=PATH)


def starlette_route(receiver):
    return under_uvicorn(Starlette(routes=[Route(PATH, receiver)]))


def starlette_mount(receiver):
    return under_hypercorn(Starlette(routes=[Mount("/internal", receiver)]))


def fastapi_route(receiver):
    app = FastAPI()
    app.add_route(PATH, receiver)
    return under_uvicorn(app)


def fastapi_function(receiver):
    app = FastAPI()

    @app.post(PATH)
    async def events(request: Request) -> Response:
        answer = await receiver.receive(request.headers, await request.body())
        return Response(answer.body, answer.status, dict(answer.headers))

    return under_hypercorn(app)


def flask_function(receiver):
    app = flask.Flask("backend")

    @app.post(PATH)
    def events():
        answer = receiver.receive_sync(flask.request.headers, flask.request.get_data())
        return flask.Response(answer.body, answer.status, dict(answer.headers))

    return under_uvicorn(app, interface="wsgi")


def django_urls(view):
    if not settings.configured:
        settings.configure(SECRET_KEY="unused", ALLOWED_HOSTS=["127.0.0.1"], LOGGING_CONFIG=None)
    urls = ModuleType("gatewright_test_urls")
    urls.urlpatterns = [path(PATH.removeprefix("/"), csrf_exempt(view))]
    sys.modules[urls.__name__] = urls
    settings.ROOT_URLCONF = urls.__name__
    set_urlconf(None)
    clear_url_caches()


def django_wsgi(receiver):
    def view(request):
        answer = receiver.receive_sync(request.headers, request.body, method=request.method)
        return HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))

    django_urls(view)
    return under_uvicorn(get_wsgi_application(), interface="wsgi")


def django_asgi(receiver):
    async def view(request):
        answer = await receiver.receive(request.headers, request.body, method=request.method)
        return HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))

    django_urls(view)
    return under_uvicorn(get_asgi_application(), lifespan="off")


def django_plain_view_in_asgi(receiver):
    def view(request):
        answer = receiver.receive_sync(request.headers, request.body, method=request.method)
        return HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))

    django_urls(sync_to_async(view))
    return under_uvicorn(get_asgi_application(), lifespan="off")


WAYS = [
    starlette_route,
    starlette_mount,
    fastapi_route,
    fastapi_function,
    flask_function,
    django_wsgi,
    django_asgi,
    django_plain_view_in_asgi,
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_events_arrive_through(way, receiver, heard):
    body, failing = event_body(), event_body("message_received")
    async with way(receiver) as url, http_client() as client:

        async def status(body, headers):
            answer = await client.post(url + PATH, content=body, headers=headers)
            assert (answer.content == b"") == (answer.status_code == 204)
            return answer.status_code

        assert await status(body, signed(body)) == 204
        assert await status(body, signed(body, "another")) == 401
        assert await status(body, {}) == 401
        assert await status(b"{}", signed(b"{}")) == 400
        assert await status(failing, signed(failing)) == 500
        assert (await client.get(url + PATH)).status_code == 405

    assert [event.delivery.id for event in heard] == ["e1", "e1"]
