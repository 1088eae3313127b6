"""The page about proxies shows the files that are shipped; tests/deploy starts them."""

import re

import pytest
from tests.support.markdown import ROOT, blocks_of, the_block

from gatewright.config.load import load_config
from gatewright.config.settings import KeepaliveSettings

PAGE = "docs/howto/behind-a-proxy.md"
FILES = [block for block in blocks_of(ROOT / PAGE) if block.marker.startswith("file: ")]


@pytest.mark.parametrize("block", FILES, ids=lambda block: block.marker)
def test_the_page_has_the_file_as_it_is(block):
    assert block.text == (ROOT / block.marker.removeprefix("file: ")).read_text()


def test_the_page_has_a_file_for_each_proxy():
    assert [block.marker.split("/")[1] for block in FILES] == ["nginx", "haproxy", "traefik"]


def test_the_files_pass_clients_on_to_the_gateway_of_the_page():
    text = the_block(PAGE, "gateway").text
    server = load_config(text=f"{text}auth: {{anonymous: {{}}}}", environ={}).core.server

    assert f"server {server.bind} " in FILES[0].text
    assert re.search(rf"^ *server a {server.bind}$", FILES[1].text, re.MULTILINE)
    assert not any(str(server.internal_bind) in block.text for block in FILES)


@pytest.mark.parametrize("block", FILES[:2], ids=lambda block: block.marker)
def test_the_timeouts_outlast_the_keepalive_that_the_files_name(block):
    keepalive = KeepaliveSettings()
    said = f"pings every {keepalive.interval_seconds:g} s and waits {keepalive.timeout_seconds:g} s"
    silent = re.search(r"(?:proxy_read_timeout|timeout tunnel) (\d+)s", block.text)

    assert said in block.text
    assert int(silent[1]) > keepalive.interval_seconds + keepalive.timeout_seconds
