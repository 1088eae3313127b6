"""A gateway that every way of publishing leads to."""

import json
from contextlib import asynccontextmanager

import pytest

from gatewright.testing.harness import running_gateway

KEY = "s3cret-key"


def heard(frame):
    """Return the payload of a frame that a client got."""
    document = json.loads(frame)
    assert document.pop("type") == "event"
    return document["payload"]


@asynccontextmanager
async def gateway_with(**sections):
    """Run a gateway that takes publications over HTTP with `KEY`, and by what else is given."""
    transports = {"http": {"api_keys": [KEY]}, **sections.pop("transports", {})}
    async with running_gateway({"transports": transports, **sections}) as gateway:
        await gateway.until_ready()
        yield gateway


@pytest.fixture
async def gateway():
    """A gateway with the HTTP transport alone."""
    async with gateway_with() as running:
        yield running
