// One client of the page: its card, its log, what it sends.

import { entry, flightTime } from "./api.js";
import { avatar, clock, duration, el, painted } from "./dom.js";
import { Client } from "./gatewright/index.js";
import { Log } from "./log.js";

const EVENT_HEAD = '{"type":"event","payload":';
const PONG = '{"type":"pong"}';
const TIMED = { [PONG]: "ping", '{"type":"heartbeat_ack"}': "heartbeat" };
const SAMPLES = 50;

const CLOSES = {
  1000: "closed",
  1001: "going away",
  1003: "a binary frame was sent",
  1005: "closed",
  1006: "the connection was lost",
  1008: "too much at once",
  1009: "the message was too large",
  1011: "no pong came",
  1012: "the gateway restarts",
  1013: "try again later",
  4008: "read too slowly",
  4401: "the token was refused",
};
const ORDERLY = new Set([1000, 1001, 1005]);

export class Card {
  #userId;
  #client = null;
  #began = 0;
  #failed = false;
  #asked = { ping: [], heartbeat: [] };
  #samples = [];
  #parts;
  #log;

  /** @param onRemove called once the card is gone */
  constructor(userId, onRemove) {
    this.#userId = userId;
    this.#parts = this.#build(onRemove);
    this.#log = new Log(this.#parts.log);
  }

  get element() {
    return this.#parts.card;
  }

  connect() {
    this.#began = performance.now();
    this.#failed = false;
    this.#asked = { ping: [], heartbeat: [] };
    this.#show("connecting");
    this.#client ??= this.#made();
    this.#client.connect();
  }

  disconnect() {
    this.#client?.close();
  }

  /** A client that does not come back by itself: here one looks at each end. */
  #made() {
    let path = "/"; // comes with the token
    const token = async () => {
      const given = await entry(this.#userId);
      path = given.path;
      return given.token;
    };
    const client = new Client(() => path, { token, reconnect: false });
    client.on("open", () => {
      this.#show("open");
      this.#note(`connected in ${duration(performance.now() - this.#began)}`);
    });
    client.on("frame", (text) => this.#heard(text));
    client.on("error", (error) => {
      this.#failed = client.state === "connecting";
      if (this.#failed) this.#ended(error.message);
      else this.#note(error.message);
    });
    client.on("close", ({ code, reason }) => {
      if (this.#failed) return; // that says more than the code
      const words = [CLOSES[code] ?? "closed", reason].filter(Boolean).join(", ");
      this.#ended(`${code} ${words}`, ORDERLY.has(code));
    });
    return client;
  }

  #ended(words, orderly = false) {
    this.#show("closed");
    this.element.dataset.orderly = String(orderly);
    this.#note(words);
  }

  #heard(text) {
    const payload = text.startsWith(EVENT_HEAD) ? text.slice(EVENT_HEAD.length, -1) : null;
    const sentAt = this.#asked[TIMED[text]]?.shift();
    if (text === PONG && sentAt === undefined) return; // the client itself had asked
    let time = null;
    if (payload !== null) time = flightTime(payload, this);
    else if (sentAt !== undefined) time = performance.now() - sentAt;
    if (payload !== null && time !== null) this.#sample(time);
    const kind = text === '{"type":"rate_limited"}' ? "in warn" : payload === null ? "in" : "in event";
    this.#row(kind, payload ?? text, time);
  }

  #send(text) {
    if (this.#client?.state !== "open" || !this.#client.send(text)) return;
    for (const [type, times] of Object.entries(this.#asked)) {
      if (asks(text, type)) times.push(performance.now());
    }
    this.#row("out", text);
  }

  #sample(time) {
    this.#samples.push(time);
    if (this.#samples.length > SAMPLES) this.#samples.shift();
    const sorted = [...this.#samples].sort((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)];
    this.#parts.latency.textContent =
      `${duration(time)} · median ${duration(median)}`;
  }

  #row(kind, text, time = null) {
    const at = Date.now();
    const words = { out: "sent", in: "received" }[kind.split(" ")[0]];
    this.#log.add(() =>
      el("div", { class: `row ${kind}` },
        clock(at),
        el("span", { class: "arrow", role: "img", "aria-label": words }),
        painted(text),
        time === null ? "" : el("span", { class: "ms" }, duration(time))));
  }

  #note(text) {
    const at = Date.now();
    this.#log.add(() =>
      el("div", { class: "row note-row" }, clock(at), el("span", { class: "arrow" }), text));
  }

  #show(state) {
    const { card, pill, toggle, controls } = this.#parts;
    card.dataset.state = state;
    pill.textContent = state;
    toggle.textContent = state === "closed" ? "Reconnect" : "Disconnect";
    controls.disabled = state !== "open";
  }

  #build(onRemove) {
    const name = this.#userId;
    const pill = el("span", { class: "pill", role: "status" }, "new");
    const latency = el("dd", {}, "–");
    const log = el("div", { class: "log", role: "log", "aria-label": `Frames of ${name}`, tabindex: "0" });
    const text = el("input", {
      class: "mono", "aria-label": `Message from ${name}`, value: '{"hi":"there"}',
      autocomplete: "off", spellcheck: "false", autocapitalize: "off",
    });
    const controls = el("fieldset", { disabled: true },
      el("legend", { class: "unseen" }, `Send as ${name}`),
      el("div", { class: "send" }, text, el("button", {}, "Send")),
      el("div", { class: "actions" },
        el("button", { type: "button", click: () => this.#send('{"type":"ping"}') }, "Ping"),
        el("button", { type: "button", click: () => this.#send('{"type":"heartbeat"}') }, "Heartbeat")));
    const form = el("form", {
      submit: (event) => {
        event.preventDefault();
        this.#send(text.value);
      },
    }, controls);
    const toggle = el("button", {
      type: "button", class: "quiet",
      click: () => (this.element.dataset.state === "closed" ? this.connect() : this.disconnect()),
    }, "Disconnect");
    const remove = el("button", {
      type: "button", class: "quiet icon", "aria-label": `Remove ${name}`,
      click: () => {
        this.disconnect();
        this.element.remove();
        onRemove(this);
      },
    }, "×");
    const card = el("article", { class: "card", "aria-label": `Client ${name}` },
      el("header", {}, avatar(name), el("h3", { title: name }, name), pill, toggle, remove),
      el("dl", { class: "latency" }, el("dt", {}, "publish → receive"), latency),
      log, form);
    return { card, pill, latency, log, controls, toggle };
  }
}

/** Whether the gateway answers a text itself, as one of this type. */
function asks(text, type) {
  if (!text.includes(type)) return false;
  try {
    return JSON.parse(text)?.type === type;
  } catch {
    return false;
  }
}
