"""The console page of a real ``gatewright dev`` in a real Chromium."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect, sync_playwright
from tests.support.development import development

pytestmark = pytest.mark.xdist_group("chromium")

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
DESKTOP = {"width": 1440, "height": 1000}
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with development(tmp_path_factory.mktemp("dev")) as started:
        yield started


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Tab:
    """A page of its own, and everything it asked for or complained about."""

    def __init__(self, context, url):
        self.url = url
        self.asked, self.complaints = [], []
        self.page = context.new_page()
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("websocket", lambda socket: self.asked.append(socket.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(url)
        expect(self.page.locator("#live")).to_have_attribute("data-state", "live")

    def client(self, user):
        return self.page.get_by_role("article", name=f"Client {user}", exact=True)

    def connect(self, user):
        self.page.get_by_label("User id").fill(user)
        self.page.get_by_role("button", name="Connect", exact=True).click()
        client = self.client(user)
        expect(client.locator(".pill")).to_have_text("open")
        return client

    def publish(self, payload, *subjects, button="Publish"):
        for chip in self.page.locator("#subjects .chip").all():
            chip.click()
        for subject in subjects:
            self.page.locator("#subject").fill(subject)
            self.page.locator("#subject").press("Enter")
        self.page.get_by_label("Payload").fill(payload)
        self.page.get_by_role("button", name=button, exact=True).click()

    def counter(self, name):
        return self.page.locator(f'[data-counter="{name}"] .number')

    def count(self, name):
        return int(self.counter(name).inner_text().replace(",", ""))

    @property
    def events(self):
        return self.page.locator("#event-log .event-row")

    @property
    def people(self):
        return self.page.locator("#people-list li")


@pytest.fixture
def open_tab(running, chromium):
    contexts = []

    def opened(**options):
        context = chromium.new_context(**{"viewport": DESKTOP} | options)
        contexts.append(context)
        return Tab(context, f"{running.url}/")

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def tab(open_tab):
    return open_tab()


def test_a_publication_reaches_those_it_names_and_the_time_is_shown(tab):
    first, second = tab.connect("42"), tab.connect("43")

    tab.publish('{"order": 17, "total": 12.50}', "user:42")

    frame = first.locator(".row.event")
    expect(frame.locator("code")).to_have_text('{"order": 17, "total": 12.50}')
    expect(frame.locator(".ms")).to_have_text(re.compile(r"^\d+(\.\d)? m?s$"))
    expect(first.locator(".latency dd")).to_have_text(re.compile(r" ms · median \d+"))
    expect(tab.page.locator("#publish-note")).to_have_text(re.compile(r"^1 delivery · \d"))
    expect(second.locator(".row.event")).to_have_count(0)

    tab.publish("null", "user:42", "user:43", "user:nobody")

    expect(tab.page.locator("#publish-note")).to_have_text(re.compile(r"^2 deliveries · \d"))
    expect(second.locator(".row.event code")).to_have_text("null")


def test_the_first_button_connects_two_side_by_side(tab):
    tab.page.get_by_role("button", name="Connect 42 and 43").click()

    expect(tab.page.locator('.card[data-state="open"]')).to_have_count(2)
    boxes = [tab.client(user).bounding_box() for user in ("42", "43")]
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
    expect(tab.page.get_by_text("Nobody has connected from here yet.")).to_be_hidden()


def test_the_page_uses_the_client_module_whose_own_pings_are_not_shown(tab):
    client = tab.connect("quiet")

    assert f"{tab.url}console/gatewright/index.js" in tab.asked
    tab.publish("1", "user:quiet")
    expect(client.locator(".log > *").last).to_have_class("row in event")
    expect(client.locator(".log > *")).to_have_count(2)
    expect(client.locator(".note-row")).to_contain_text("connected in")


def test_what_a_client_sends_is_answered_or_becomes_an_event(tab):
    client = tab.connect("sender")
    client.get_by_role("button", name="Ping").click()
    expect(client.locator(".row.in", has_text='{"type":"pong"}').locator(".ms")).to_be_visible()
    client.get_by_role("button", name="Heartbeat").click()
    expect(client.locator(".row.in", has_text="heartbeat_ack").locator(".ms")).to_be_visible()

    client.get_by_label("Message from sender").fill("not JSON, ü")
    client.get_by_label("Message from sender").press("Enter")

    event = tab.events.filter(has_text="sender").filter(has_text="message")
    expect(event).to_have_count(1)
    expect(event.locator(".seq")).to_have_text("#2")
    expect(event.locator(".excerpt")).to_have_text("not JSON, ü")
    event.locator("summary").click()
    expect(event.locator("pre")).to_contain_text('"raw": "not JSON, ü"')
    expect(event.locator(".beside")).to_contain_text("id")


def test_coming_and_going_is_seen_in_events_people_and_counters(tab):
    before = tab.count("closes")
    client = tab.connect("guest 7/ü")
    person = tab.people.filter(has_text="guest 7/ü")
    expect(person).to_have_count(1)
    expect(person.get_by_role("button", name="Add subject user:guest 7/ü")).to_be_visible()

    client.get_by_role("button", name="Disconnect").click()

    expect(client.locator(".pill")).to_have_text("closed")
    expect(client.locator(".note-row").last).to_contain_text("1000 closed")
    expect(person).to_have_count(0)
    events = tab.events.filter(has_text="guest 7/ü").locator(".kind")
    expect(events).to_have_text(["connected", "disconnected"])
    expect(tab.counter("closes")).to_have_text(str(before + 1))

    client.get_by_role("button", name="Reconnect").click()
    expect(client.locator(".pill")).to_have_text("open")
    client.get_by_role("button", name="Remove").click()
    expect(client).to_have_count(0)


def test_a_message_too_many_is_told_apart(tab):
    client = tab.connect("talker")
    send = client.get_by_role("button", name="Send")
    send.evaluate("button => { for (let n = 0; n < 40; n += 1) button.click(); }")

    expect(client.locator(".row.warn").first).to_have_text(re.compile("rate_limited"))


def test_counters_move_and_logs_stay_bounded(tab):
    tab.connect("busy")
    before = tab.count("deliveries")

    for _ in range(3):
        tab.publish('{"n":1}', "user:busy", button="Publish 100")
        note = tab.page.locator("#publish-note")
        expect(note).to_contain_text("100 published, 100 deliveries", timeout=20_000)

    expect(tab.counter("deliveries")).to_have_text(f"{before + 300:,}")
    expect(tab.client("busy").locator(".log > *")).to_have_count(200)
    log = tab.client("busy").locator(".log")
    assert log.evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight") < 2


def test_a_payload_that_is_no_json_is_not_published(tab):
    before = tab.count("publications")

    tab.publish("{oops", "user:42")

    expect(tab.page.locator("#payload-note")).not_to_be_empty()
    expect(tab.page.get_by_label("Payload")).to_have_attribute("aria-invalid", "true")
    tab.publish('"\\ud800"', "user:42")
    expect(tab.page.locator("#publish-note")).to_have_class("note result bad")
    assert tab.count("publications") == before


def test_a_user_id_that_cannot_be_is_refused_with_the_reason(tab):
    tab.page.get_by_label("User id").evaluate(
        "input => { input.type = 'text'; input.value = '\\u0007' }"
    )
    tab.page.get_by_role("button", name="Connect", exact=True).click()

    card = tab.page.locator(".card")
    expect(card.locator(".pill")).to_have_text("closed")
    expect(card.locator(".note-row")).to_contain_text("1 to 512 bytes")


def test_text_from_elsewhere_is_never_markup(tab):
    hostile = "<img src=x onerror=alert(1)>"
    client = tab.connect(hostile)

    tab.publish(f'{{"<b>k</b>":"{hostile}"}}', f"user:{hostile}")

    expect(client.locator(".row.event code")).to_have_text(f'{{"<b>k</b>":"{hostile}"}}')
    expect(tab.people.filter(has_text=hostile)).to_have_count(1)
    assert tab.page.locator("main img, main b").count() == 0


def test_nothing_is_asked_of_another_host_and_nothing_is_complained_about(tab, running):
    tab.connect("42")
    tab.publish("1", "user:42")
    expect(tab.client("42").locator(".row.event")).to_have_count(1)

    host = running.url.removeprefix("http")
    assert len(tab.asked) > 10
    assert [url for url in tab.asked if not re.match(f"(http|ws){re.escape(host)}/", url)] == []
    assert tab.complaints == []


def test_a_page_that_comes_back_shows_what_happened(open_tab):
    first = open_tab()
    first.connect("witness")
    expect(first.events.filter(has_text="witness")).to_have_count(1)

    second = open_tab()

    expect(second.events.filter(has_text="witness")).to_have_count(1)
    expect(second.people.filter(has_text="witness")).to_have_count(1)


def test_the_keyboard_is_enough(tab):
    page = tab.page
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the clients")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("User id")).to_be_focused()
    page.keyboard.type("42")
    page.keyboard.press("Enter")
    expect(tab.client("42").locator(".pill")).to_have_text("open")
    page.get_by_label("Payload").focus()
    page.keyboard.press("Control+Enter")
    expect(tab.client("42").locator(".row.event")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_fits_and_can_be_read(open_tab, tmp_path, viewport, scheme):
    tab = open_tab(viewport=viewport, color_scheme=scheme)
    tab.connect("42")
    tab.connect("somebody@example.com with a long name that never ends " + "x" * 80)
    tab.publish('{"long":"' + "word" * 200 + '"}', "user:42")
    expect(tab.client("42").locator(".row.event")).to_have_count(1)

    width = tab.page.evaluate("document.documentElement.scrollWidth")
    assert width <= viewport["width"]
    assert contrast(tab.page, "h1") > 7
    assert contrast(tab.page, ".row.event code") > 7
    for selector in (".hint", ".row time", ".pill", "#live", "button.primary", ".chip"):
        assert contrast(tab.page, selector) >= 4.5, selector
    tab.page.screenshot(path=tmp_path / f"{scheme}.png", full_page=True)


def test_nothing_moves_when_things_happen(tab):
    tab.connect("42")
    expect(tab.people).not_to_have_count(0)
    places = (
        "['#publish','#people','#events','#counters'].map(s => document.querySelector(s).offsetTop)"
    )
    before = tab.page.evaluate(places)

    tab.publish("{oops", "user:42")
    tab.publish("1", "user:42")
    expect(tab.client("42").locator(".row.event")).to_have_count(1)

    assert tab.page.evaluate(places) == before


def test_every_control_has_a_name(tab):
    tab.connect("42")

    nameless = tab.page.evaluate(
        """() => [...document.querySelectorAll("button, input, textarea, [role=log]")]
          .filter((one) => !(one.ariaLabel || one.labels?.length || one.innerText
                             || one.getAttribute("aria-labelledby")))
          .map((one) => one.outerHTML)"""
    )

    assert nameless == []


def contrast(page, selector):
    """The contrast of an element's text against what is behind it, as WCAG counts it."""
    return page.locator(selector).first.evaluate(
        """(element) => {
          const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
          const behind = [];
          for (let one = element; one; one = one.parentElement)
            behind.unshift(getComputedStyle(one).backgroundColor);
          const paint = (color) => { canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); };
          const light = () => {
            const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((v) => v / 255)
              .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          behind.forEach(paint);
          const back = light();
          paint(getComputedStyle(element).color);
          const front = light();
          return (Math.max(back, front) + 0.05) / (Math.min(back, front) + 0.05);
        }"""
    )
