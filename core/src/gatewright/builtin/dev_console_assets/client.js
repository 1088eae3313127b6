// One WebSocket of the page: its card, its log, what it sends.

import { address, flightTime } from "./api.js";
import { avatar, clock, duration, el, painted } from "./dom.js";
import { Log } from "./log.js";

const EVENT_HEAD = '{"type":"event","payload":';
const TIMED = { '{"type":"pong"}': "ping", '{"type":"heartbeat_ack"}': "heartbeat" };
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

export class Client {
  #userId;
  #socket = null;
  #attempt = 0;
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

  get card() {
    return this.#parts.card;
  }

  async connect() {
    const attempt = ++this.#attempt;
    this.#show("connecting");
    try {
      const url = await address(this.#userId);
      if (attempt === this.#attempt) this.#open(url);
    } catch (error) {
      if (attempt === this.#attempt) this.#ended(error.message);
    }
  }

  disconnect() {
    this.#attempt += 1;
    if (this.#socket) this.#socket.close(1000);
    else this.#ended("closed", true);
  }

  #open(url) {
    const began = performance.now();
    const socket = new WebSocket(url);
    this.#socket = socket;
    this.#asked = { ping: [], heartbeat: [] };
    socket.addEventListener("open", () => {
      this.#show("open");
      this.#note(`connected in ${duration(performance.now() - began)}`);
    });
    socket.addEventListener("message", ({ data }) => this.#heard(data));
    socket.addEventListener("close", ({ code, reason }) => {
      const words = [CLOSES[code] ?? "closed", reason].filter(Boolean).join(", ");
      if (this.#socket === socket) this.#ended(`${code} ${words}`, ORDERLY.has(code));
    });
  }

  #ended(words, orderly = false) {
    this.#socket = null;
    this.#show("closed");
    this.card.dataset.orderly = String(orderly);
    this.#note(words);
  }

  #heard(text) {
    const payload = text.startsWith(EVENT_HEAD) ? text.slice(EVENT_HEAD.length, -1) : null;
    const sentAt = this.#asked[TIMED[text]]?.shift();
    let time = null;
    if (payload !== null) time = flightTime(payload, this);
    else if (sentAt !== undefined) time = performance.now() - sentAt;
    if (payload !== null && time !== null) this.#sample(time);
    const kind = text === '{"type":"rate_limited"}' ? "in warn" : payload === null ? "in" : "in event";
    this.#row(kind, payload ?? text, time);
  }

  #send(text) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(text);
    this.#row("out", text);
    return true;
  }

  #ask(type) {
    if (this.#send(`{"type":"${type}"}`)) this.#asked[type].push(performance.now());
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
        el("button", { type: "button", click: () => this.#ask("ping") }, "Ping"),
        el("button", { type: "button", click: () => this.#ask("heartbeat") }, "Heartbeat")));
    const form = el("form", {
      submit: (event) => {
        event.preventDefault();
        this.#send(text.value);
      },
    }, controls);
    const toggle = el("button", {
      type: "button", class: "quiet",
      click: () => (this.card.dataset.state === "closed" ? this.connect() : this.disconnect()),
    }, "Disconnect");
    const remove = el("button", {
      type: "button", class: "quiet icon", "aria-label": `Remove ${name}`,
      click: () => {
        this.disconnect();
        this.card.remove();
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
