// The chat: who one is, what is said, who is there.

import * as api from "./api.js";
import { byId } from "./elements.js";
import { Line } from "./line.js";
import { Messages, showPeople } from "./room.js";

const LATER_MS = 1_000; // presence may be a moment behind
const EVERY_MS = 15_000;

const WORDS = {
  connecting: "connecting …",
  open: "connected",
  waiting: "connection lost, trying again …",
  refused: "not let in",
  off: "not connected",
};

/** One person's stay in the room. */
class Stay {
  #me;
  #messages;
  #line;
  #timers = [];
  #waiting = new Map();

  constructor(me, about) {
    this.#me = me;
    this.#messages = new Messages(me);
    const wanted = Number(new URLSearchParams(location.search).get("gateway") ?? 1) - 1;
    this.#line = new Line({
      addresses: about.gateways,
      first: wanted in about.gateways ? wanted : 0,
      options: { token: async () => (await api.token(me)).token, tokenIn: "protocol", refresh: true },
      heard: (payload) => this.#heard(payload),
      changed: (state) => this.#changed(state),
    });
    this.#timers.push(setInterval(() => document.hidden || this.#ask(), EVERY_MS));
  }

  say(text) {
    const ref = crypto.randomUUID?.() ?? String(Math.random());
    return this.#line.send({ type: "chat", text, ref });
  }

  end() {
    this.#timers.forEach(clearTimeout);
    this.#line.close();
  }

  #heard(payload) {
    if (payload?.type === "chat") this.#messages.add(payload);
    else if (payload?.type === "people") this.#askNowAndLater();
  }

  #changed(state) {
    showState(state);
    if (state === "open") this.#askNowAndLater();
  }

  #askNowAndLater() {
    this.#ask();
    this.#timers.push(setTimeout(() => this.#ask(), LATER_MS));
  }

  async #ask() {
    try {
      showPeople(await api.people(), this.#me);
    } catch (error) {
      showNote("say-note", `Who is online is not known now: ${error.message}`);
    }
  }
}

function showState(state) {
  byId("line").dataset.state = state;
  byId("line").textContent = WORDS[state] ?? state;
  byId("send").disabled = state !== "open";
}

function showNote(id, text, bad = false) {
  byId(id).textContent = text;
  byId(id).classList.toggle("bad", bad);
}
