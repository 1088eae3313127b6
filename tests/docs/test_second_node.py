"""The page about a second node, typed into terminals as it stands there."""

import pytest
from tests.support.markdown import the_block
from tests.support.terminal import desk, free_ports

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

PAGE = "docs/howto/second-node.md"
ACTIVATE = ". .venv/bin/activate\n"


async def test_two_nodes_are_one_as_it_is_written(tmp_path):
    async with desk(tmp_path) as here:
        here.ports.update(free_ports(6379, 8280, 8281))
        redis, a, b, client, backend = [await here.terminal() for _ in range(5)]

        def shown(who):
            return here.mine(the_block(PAGE, f"terminal: {who}").text)

        redis.run(shown("redis"))
        await redis.until("Ready to accept connections")
        stopped = a.run(ACTIVATE + shown("a"))
        await a.until('"serving"')
        b.run(ACTIVATE + shown("b"))
        await b.until('"serving"')
        client.run(ACTIVATE + shown("client"))
        await client.until("connected to")

        done = backend.run(ACTIVATE + shown("backend"))
        await backend.until(f"{done} 0")
        assert backend.lines[0] == "sent 1\n"
        assert "user:42" in "".join(backend.lines[1:])
        await client.until(the_block(PAGE, "heard").text.strip())

        a.interrupt()
        await client.until("closed: 1012")
        await a.until(f"{stopped} 0")
        done = backend.run(shown("gone"))
        await backend.until(f"{done} 0")
        assert backend.lines[0] == "sent 0\n"
