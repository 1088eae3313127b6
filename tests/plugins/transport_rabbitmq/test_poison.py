"""Bodies of all kinds, through a real queue."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.plugins.transport_rabbitmq.harness import DEAD, publishing, running, until
from tests.support.bodies import BODIES, is_valid

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def long_running(rabbitmq_server, anyio_backend):
    """A node for many examples, with a virtual host of its own."""
    async with rabbitmq_server.vhost() as vhost, publishing(vhost.dsn) as backend:
        async with running(vhost.dsn) as node:
            yield node, backend


@settings(max_examples=40)
@given(st.lists(BODIES, max_size=30))
async def test_whatever_is_published_is_delivered_or_a_dead_letter(long_running, bodies):
    node, backend = long_running
    node.published.clear()
    good = [each for each in bodies if is_valid(each)]
    bad = [each for each in bodies if not is_valid(each)]
    async with backend.broker.session() as link, link.passing_channel() as channel:
        await channel.queue_declare(DEAD, durable=True)
        await channel.queue_purge(DEAD)

    await backend.publish_raw(*bodies)
    await backend.publish(1)

    await until(lambda: len(node.published) > len(good))
    letters = await backend.letters(len(bad))
    assert [letter.body for letter in letters] == bad
    assert len(node.published) == len(good) + 1
