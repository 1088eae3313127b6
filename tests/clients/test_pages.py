"""The browser client in a page: out of sight, without a network, and what a page must not do."""

import pytest
from tests.support.gateway import gateway

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("chromium")]

QUICK = {"minMs": 20, "maxMs": 200}
BECOME = """(state) => {
  Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


async def test_out_of_sight_it_does_not_come_back_until_it_is_seen(page, tmp_path, unused_port):
    sections = f'server: {{bind: "127.0.0.1:{unused_port}"}}'
    async with gateway(tmp_path, sections) as first:
        client = await page.watch(first.url, token="42", backoff=QUICK)
        seen = await page.watch(first.url, token="43", backoff=QUICK, pauseWhenHidden=False)
        await client.open()
        await seen.open()
        await page.page.evaluate(BECOME, "hidden")
    async with gateway(tmp_path, sections) as second:
        await seen.until("open", 2)  # it has had the time
        assert await client.states() == ["connecting", "open", "waiting"]
        assert await second.publish("nobody", "user:42") == 0

        await page.page.evaluate(BECOME, "visible")

        await client.until("open", 2)
        assert await second.publish("hi", "user:42") == 1


async def test_when_the_network_is_back_it_comes_back_at_once(page, tmp_path, unused_port):
    sections = f'server: {{bind: "127.0.0.1:{unused_port}"}}'
    url = f"ws://127.0.0.1:{unused_port}/ws"
    hours = {"minMs": 2**31 - 1, "maxMs": 2**31 - 1}
    client = await page.watch(url, token="42", backoff=hours)
    await client.until("close")
    await page.page.context.set_offline(True)
    async with gateway(tmp_path, sections):
        await page.page.context.set_offline(False)
        await client.until("open")


async def test_seen_again_it_asks_whether_the_gateway_is_there(page, tmp_path):
    async with gateway(tmp_path) as running:
        client = await page.watch(running.url, token="42")
        await client.open()
        await page.page.evaluate(BECOME, "visible")

        assert await client.until("frame", 2) == ['{"type":"pong"}'] * 2


async def test_an_address_of_the_pages_own_host_may_be_short(page):
    client = await page.watch("/ws", token="t0ken")
    async with page.page.expect_event("websocket") as opened:
        await client.call("connect")  # it is under way: nothing changes
    assert (await opened.value).url == page.page.url.replace("http", "ws") + "ws?token=t0ken"


async def test_a_page_cannot_publish(page):
    told = await page.page.evaluate(
        """async () => {
          const { publish } = await import("/clients/js/src/publish.js");
          return publish({ url: "http://127.0.0.1", apiKey: "k" }, "user:42", 1)
            .then(String, (error) => error.message);
        }"""
    )

    assert "call your backend" in told
