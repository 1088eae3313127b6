"""The page for authors of plugins: its table, its fields, and its transport."""

import dataclasses
import re
import socket
from types import SimpleNamespace

import anyio
import pytest
import structlog
from tests.support.markdown import ROOT, the_block

import gatewright
from gatewright import Event, Publication, PublicationLimits, Receipt
from gatewright.plugin import spec

pytestmark = pytest.mark.anyio

PAGE = (ROOT / "docs" / "plugins.md").read_text()


@pytest.fixture
def port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def rows(text):
    found = re.findall(r"^\| (.*) \|$", text, re.MULTILINE)
    return [[cell.strip("` ") for cell in row.split(" | ")] for row in found]


def test_every_kind_has_its_row():
    told = {row[2]: row for row in rows(PAGE) if row[2:] and row[2].startswith("gatewright.")}

    assert list(told) == [f"gatewright.{kind}" for kind in spec.KINDS]
    for kind in spec.KINDS:
        _, section, _, hook, settings, protocol = told[f"gatewright.{kind}"]
        assert section == spec.section_of(kind)
        assert hook == f"gatewright_{kind}"
        assert callable(getattr(spec, hook))
        assert {settings, protocol} <= set(gatewright.__all__)


@pytest.mark.parametrize("values", [Publication, Event])
def test_every_field_has_its_row(values):
    _, _, below = PAGE.partition(f"`{values.__name__}`, which ")
    table = below.split("\n\n")[1]
    names = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)

    assert names == [field.name for field in dataclasses.fields(values)]


async def test_the_transport_publishes_datagrams_and_outlives_bad_ones(port):
    names: dict = {}
    exec(the_block("docs/plugins.md", "plugin: transport").text, names)  # noqa: S102 - the page's
    factory = names["gatewright_transport"]()
    context = SimpleNamespace(
        name="udp", log=structlog.get_logger(), limits=PublicationLimits(max_bytes=100)
    )
    published = []
    enough = anyio.Event()

    async def publish(publication):
        published.append(publication)
        enough.set()
        return Receipt(1)

    with structlog.testing.capture_logs() as logs:
        async with (
            factory.open(factory.settings(port=port), context) as transport,
            anyio.create_task_group() as tasks,
        ):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as backend:
                backend.sendto(b"no json", ("127.0.0.1", port))
                backend.sendto(b'{"subjects":["user:42"],"payload":1}', ("127.0.0.1", port))
            tasks.start_soon(transport.run, publish)
            with anyio.fail_after(10):
                await enough.wait()
            tasks.cancel_scope.cancel()

    assert published == [Publication(("user:42",), b"1", None, "udp")]
    assert [line["event"] for line in logs] == ["datagram dropped"]
    assert transport.reach == "node"
