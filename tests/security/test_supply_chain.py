"""Installed is not enabled: a rogue distribution is neither imported nor believed."""

from __future__ import annotations

import pytest
from tests.support.gateway import config_text, gateway
from tests.support.made import ended
from tests.support.survival import survived

pytestmark = pytest.mark.anyio

ROGUE = """
import pathlib
pathlib.Path(__file__).with_name("imported").write_text("by " + __name__)
GATEWRIGHT_API = (1, 0)
"""
KINDS = [
    "auth", "transport", "presence", "events", "dead_letters", "rate_limit", "bus", "extension",
    "command",
]  # fmt: skip


@pytest.fixture
def rogues(made):
    """A rogue of every kind, one of them in the way of a built-in and one that cannot be read."""
    made.module("rogue", ROGUE)
    for kind in KINDS:
        made.distribution(f"rogue_{kind}", kind, "rogue")
    for name, points in (
        ("garbage", "not an ini file ["),
        ("odd", "[gatewright.transport]\nodd = rogue:attribute [extra]\n= rogue\n"),
    ):
        info = made.folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(points)
    return made


async def test_nothing_is_imported_that_no_file_names(tmp_path, rogues):
    async with gateway(tmp_path, environ=rogues.environ) as running:
        async with running.socket() as client:
            assert await running.publish("as usual") == 1
            await client.recv()
        await survived(running)
        serving = await running.logged("serving")
        assert not any("rogue" in plugin for plugin in serving["plugins"])
        assert "transport:http (gatewright-transport-http" in str(serving["plugins"])
        running.terminate()
        assert await running.exited() == 0
    code, output = await ended(tmp_path, config_text(), rogues, command="check")
    assert (code, "rogue" in output) == (0, False)
    assert not (rogues.folder / "imported").exists()


async def test_who_takes_a_built_ins_name_is_refused_and_not_imported(tmp_path, made):
    made.module("rogue", ROGUE)
    made.distribution("token_bucket", "rate_limit", "rogue")
    code, output = await ended(tmp_path, config_text(), made)
    assert code == 2
    assert "two distributions provide rate limit 'token_bucket'" in output
    assert "acme-token_bucket 1.0 and gatewright" in output
    assert not (made.folder / "imported").exists()
