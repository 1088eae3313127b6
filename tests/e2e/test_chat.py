"""The chat page in windows of a real Chromium, through two gateways."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from anyio.from_thread import start_blocking_portal
from cryptography.hazmat.primitives import serialization
from playwright.sync_api import expect, sync_playwright
from tests.support.demo_backend import demo_backend
from tests.support.gateway import API_KEY, gateway
from tests.support.side_by_side import side_by_side
from tests.support.tokens import public_pem, rsa_key

from gatewright.testing.brokers.redis_server import RedisServer
from gatewright.testing.ports import free_ports

pytestmark = [pytest.mark.xdist_group("chromium"), pytest.mark.timeout(120)]

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
DESKTOP = {"width": 1200, "height": 800}
PHONE = {"width": 360, "height": 740}
HOSTILE = "<img src=x onerror=alert(1)>"
PATIENCE_MS = 15_000


@dataclass
class Stage:
    """Two gateways that share a Redis, and the backend that publishes to the first."""

    first: object
    second: object
    backend: object


def sections(folder, port, redis, node_id):
    return f"""
server: {{bind: "127.0.0.1:{port}", node_id: {node_id}, drain_seconds: 3}}
auth: {{jwt: {{public_key_file: "{folder}/public.pem", subjects_claim: subjects}}}}
session: {{refresh: true}}
transports: {{http: {{api_keys: [{API_KEY}]}}}}
bus: {{redis: {{dsn: "{redis}"}}}}
presence: {{redis: {{dsn: "{redis}"}}}}
events: {{redis_stream: {{dsn: "{redis}"}}}}
"""


@asynccontextmanager
async def staged(folder):
    (folder / "public.pem").write_bytes(public_pem())
    (folder / "private.pem").write_bytes(
        rsa_key().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    ports = free_ports(2)
    environ = {
        "DEMO_SIGNING_KEY_FILE": str(folder / "private.pem"),
        "DEMO_GATEWAY_URLS": ",".join(f"ws://127.0.0.1:{port}/ws" for port in ports),
        "WS_PRESENCE_TYPE": "redis",
        "WS_EVENTS_TYPE": "redis_stream",
        "WS_EVENTS_START": "0",
        "WS_GATEWAY_BASE_URL": f"http://127.0.0.1:{ports[0]}",
        "WS_GATEWAY_API_KEY": API_KEY,
    }
    async with RedisServer.start(folder / "redis") as redis:
        environ["WS_REDIS_DSN"] = redis.dsn
        nodes = []
        for node_id, port in zip("ab", ports, strict=True):
            (folder / node_id).mkdir()
            nodes.append(gateway(folder / node_id, sections(folder, port, redis.dsn, node_id)))
        async with side_by_side(*nodes, demo_backend(**environ)) as running:
            yield Stage(*running)


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    made = staged(tmp_path_factory.mktemp("chat"))
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(made) as running:
        yield running


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Window:
    """The page in a window of its own, and everything it asked for or complained about."""

    def __init__(self, context, url):
        self.asked, self.complaints = [], []
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("websocket", lambda socket: self.asked.append(socket.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(url)

    def join(self, name):
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_role("button", name="Join").click()
        self.expect_state("open")
        return self

    def expect_state(self, state):
        line = self.page.locator("#line")
        expect(line).to_have_attribute("data-state", state, timeout=PATIENCE_MS)

    def say(self, text):
        self.page.get_by_label("Message", exact=True).fill(text)
        self.page.get_by_label("Message", exact=True).press("Enter")

    def expect_heard(self, name, text):
        said = self.page.locator(".message", has_text=text)
        expect(said).to_have_count(1, timeout=PATIENCE_MS)
        expect(said.locator("strong")).to_have_text(name)
        expect(said.locator("p")).to_have_text(text)

    def expect_people(self, *names):
        people = self.page.locator("#people-list .name")
        expect(people).to_have_text(sorted(names), timeout=PATIENCE_MS)

    @property
    def socket(self):
        """The WebSocket that was opened last."""
        return [url for url in self.asked if url.startswith("ws")][-1]


@pytest.fixture
def window(stage, chromium):
    contexts = []

    def opened(gateway=1, **options):
        context = chromium.new_context(**{"viewport": DESKTOP} | options)
        contexts.append(context)
        return Window(context, f"{stage.backend.url}/demo/chat?gateway={gateway}")

    yield opened
    for context in contexts:
        context.close()


def test_two_windows_at_two_gateways_hear_each_other(stage, window):
    alice, bob = window(1).join("alice"), window(2).join("bob")
    assert stage.first.host in alice.socket
    assert stage.second.host in bob.socket
    alice.expect_people("alice", "bob")
    bob.expect_people("alice", "bob")

    alice.say("hello, bob")
    bob.expect_heard("alice", "hello, bob")
    alice.expect_heard("You", "hello, bob")
    bob.say("hello, alice")
    alice.expect_heard("bob", "hello, alice")

    bob.page.get_by_role("button", name="Leave").click()
    alice.expect_people("alice")
    expect(bob.page.get_by_label("Name")).to_be_focused()


def test_text_from_elsewhere_is_never_markup(window):
    one = window().join(HOSTILE)
    one.say(f"{HOSTILE}<b>bold</b>")

    one.expect_heard("You", f"{HOSTILE}<b>bold</b>")
    one.expect_people(HOSTILE)
    assert one.page.locator("main img, main b").count() == 0


def test_nothing_is_asked_of_another_host_and_nothing_is_complained_about(stage, window):
    one = window().join("alice")
    one.say("hello")
    one.expect_heard("You", "hello")

    hosts = {re.match(r"\w+://([^/]+)/", url)[1] for url in one.asked}
    assert hosts == {stage.backend.url.removeprefix("http://"), stage.first.host}
    assert one.complaints == []


def test_the_keyboard_is_enough(window):
    page = window().page
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("keys")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    page.keyboard.type("typed")
    page.keyboard.press("Enter")

    expect(page.locator(".message p", has_text="typed")).to_have_count(1, timeout=PATIENCE_MS)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="Leave")).to_be_focused()


def test_every_control_has_a_name(window):
    one = window().join("alice")

    nameless = one.page.evaluate(
        """() => [...document.querySelectorAll("button, input, [role=log]")]
          .filter((one) => !(one.ariaLabel || one.labels?.length || one.innerText))
          .map((one) => one.outerHTML)"""
    )

    assert nameless == []


def test_a_name_that_cannot_be_is_told(window):
    one = window()
    one.page.get_by_label("Name").fill("   ")
    one.page.get_by_role("button", name="Join").click()

    expect(one.page.locator("#join-note")).to_contain_text("user_id must be a text of 1 to 40")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_fits_and_can_be_read(window, tmp_path, viewport, scheme):
    one = window(viewport=viewport, color_scheme=scheme)
    one.page.screenshot(path=tmp_path / f"join-{scheme}.png")
    other = window(2).join("Bartholomew Fitzgerald of Long Name Hall")
    one.join("alice")
    asked = "Good morning! Did the parcel for the office arrive?"
    other.say(asked)
    one.expect_heard("Bartholomew Fitzgerald of Long Name Hall", asked)
    one.say("Yes, an hour ago.")
    one.say("x" * 300)
    one.expect_heard("You", "x" * 300)
    one.expect_people("Bartholomew Fitzgerald of Long Name Hall", "alice")

    assert one.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert one.page.evaluate("document.documentElement.scrollHeight") <= viewport["height"]
    for selector in (".message p", ".message.own p", "time", "#line", "#send", "#leave", ".count"):
        assert contrast(one.page, selector) >= 4.5, selector
    one.page.screenshot(path=tmp_path / f"room-{scheme}.png")


def test_who_loses_a_gateway_goes_on_at_the_other(stage, window):
    alice, bob = window(1).join("alice"), window(2).join("bob")
    alice.expect_people("alice", "bob")

    stage.second.terminate()

    bob.expect_state("open")
    expect(bob.page.locator(".remark")).to_contain_text(
        ["lost", "Connected again"], timeout=PATIENCE_MS
    )
    assert stage.first.host in bob.socket
    bob.say("still here")
    alice.expect_heard("bob", "still here")
    alice.say("good")
    bob.expect_heard("alice", "good")
    alice.expect_people("alice", "bob")


def contrast(page, selector):
    """The contrast of an element's text against what is behind it, as WCAG counts it."""
    return page.locator(selector).first.evaluate(
        """(element) => {
          const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
          const paint = (color) => { canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); };
          const light = () => {
            const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((v) => v / 255)
              .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const behind = [];
          for (let one = element; one; one = one.parentElement)
            behind.unshift(getComputedStyle(one).backgroundColor);
          behind.forEach(paint);
          const back = light();
          paint(getComputedStyle(element).color);
          const front = light();
          return (Math.max(back, front) + 0.05) / (Math.min(back, front) + 0.05);
        }"""
    )
