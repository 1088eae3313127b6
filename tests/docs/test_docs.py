"""The pages below docs/ hold what they say."""

import re

import pytest
from tests.support.markdown import PAGES, ROOT

from gatewright.config.settings import (
    KeepaliveSettings,
    LaneSettings,
    LimitSettings,
    ServerSettings,
)
from gatewright_events_webhook.signing import Signer

MIB = 1024 * 1024


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("file", PAGES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_link_leads_somewhere(file):
    links = re.findall(r"\]\((?!https?:)([^)\s]*)\)", file.read_text())
    for target, _, anchor in (link.partition("#") for link in links):
        linked = (file.parent / target).resolve() if target else file
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked.read_text()), f"{target}#{anchor}"


def test_the_index_names_every_page():
    index = page("README.md")
    others = {file.name for file in (ROOT / "docs").glob("*.md")} - {"README.md"}

    assert {name for name in others if f"({name})" not in index} == set()


def test_the_close_codes_are_all_there():
    codes = re.findall(r"^\| (\d{4}) \|", page("close-codes.md"), re.MULTILINE)

    assert [int(code) for code in codes] == [
        *(1000, 1001, 1002, 1003, 1007, 1008, 1008, 1009, 1011, 1012, 1013),
        *(4401, 4008),
    ]


def test_the_limits_in_the_text_are_the_defaults():
    limits, keepalive = LimitSettings(), KeepaliveSettings()
    closes, wire = page("close-codes.md"), page("wire-protocol.md")

    assert f"`limits.message_bytes` ({limits.message_bytes // MIB} MiB)" in closes
    assert f"`limits.send_buffer_bytes` ({limits.send_buffer_bytes // MIB} MiB)" in closes
    assert f"at most {limits.message_bytes // MIB} MiB each (`limits.message_bytes`)" in wire
    assert f"{limits.publication_bytes // MIB} MiB (`limits.publication_bytes`)" in wire
    assert f"{limits.publication_subjects:,} (`limits.publication_subjects`)" in wire
    assert f"every {keepalive.interval_seconds:g} seconds" in wire
    assert f"within {keepalive.timeout_seconds:g} (`keepalive`)" in wire


def test_the_bounds_of_events_are_the_defaults():
    table = dict(
        re.findall(r"\| `([a-z_.]+)` \| (\d+)[^|]*\|", page("delivery.md"))  # option, number
    )
    lanes = LaneSettings()

    assert table == {
        "lanes.events": str(lanes.events),
        "lanes.bytes": str(lanes.bytes // MIB),
        "lanes.total_bytes": str(lanes.total_bytes // MIB),
        "lanes.max_age": f"{lanes.max_age:g}",
        "server.flush_seconds": f"{ServerSettings().flush_seconds:g}",
    }


def test_the_receiver_in_the_text_accepts_our_signatures_and_no_others():
    (code,) = re.findall(r"```python\n(.*?)```", page("wire-protocol.md"), re.DOTALL)
    names: dict = {}
    exec(code, names)  # noqa: S102 - the page's own example
    signature = Signer("s3cret").headers("id", b'{"a":1}', 0)["X-Webhook-Signature"]

    assert names["is_genuine"]("s3cret", b'{"a":1}', signature)
    assert not names["is_genuine"]("s3cret", b'{"a":2}', signature)
    for other in (None, "", "sha256=", "sha256=é", signature + "é", signature[:-1]):
        assert names["is_genuine"]("s3cret", b'{"a":1}', other) is False
