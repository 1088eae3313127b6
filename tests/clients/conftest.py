"""Where the browser client runs."""

import socket

import pytest
from tests.support.javascript import chromium, node


@pytest.fixture(scope="module")
async def browser():
    async with chromium() as page:
        yield page


@pytest.fixture
async def page(browser):
    """A page of its own; at its end, nothing may have gone uncaught."""
    runtime = await browser()
    yield runtime
    await runtime.page.close()
    assert runtime.complaints == []


@pytest.fixture
async def in_node():
    async with node() as runtime:
        yield runtime


@pytest.fixture(params=["node", "chromium"])
def runtime(request):
    """Both of them, one after the other."""
    return request.getfixturevalue({"node": "in_node", "chromium": "page"}[request.param])


@pytest.fixture
def unused_port():
    """A port on which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]
