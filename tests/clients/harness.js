// Clients under test, and all that they tell; the same in Node and in a page.

import { Client } from "../../clients/js/src/index.js";

const NAMES = ["event", "open", "close", "state", "rate_limited", "message", "frame", "error"];
const watched = new Map();

/** A client and everything it told, in order. */
class Watched {
  told = [];
  asked = [];
  read = [];
  #wakers = new Set();

  constructor(url, options, tokens) {
    if (tokens) options = { ...options, token: (wanted) => this.#token(tokens, wanted) };
    this.client = new Client(url, options);
    for (const name of NAMES) this.client.on(name, (value) => this.tell(name, value));
    this.client.connect();
  }

  /** The tokens one after the other, the last one again and again. */
  #token(tokens, { fresh }) {
    this.asked.push(fresh);
    return tokens.length > 1 ? tokens.shift() : tokens[0];
  }

  tell(name, value) {
    if (value instanceof Error) value = `${value.name}: ${value.message}`;
    this.told.push([name, value ?? null]);
    for (const waker of this.#wakers) waker();
  }

  /** All that was told under a name, once there are so many. */
  async until(name, count) {
    const values = () => this.told.filter(([told]) => told === name).map(([, value]) => value);
    while (values().length < count) await new Promise((wake) => this.#wakers.add(wake));
    return values();
  }
}

/** Make a client; what it is called by. */
export function watch([name, url, options, tokens]) {
  watched.set(name, new Watched(url, options, tokens));
}

/** What a client told, and what its provider was asked. */
export function told(name) {
  const { told, asked } = watched.get(name);
  return { told, asked };
}

export function until([name, what, count]) {
  return watched.get(name).until(what, count);
}

/** Call a method of a client. */
export function call([name, method, ...values]) {
  return watched.get(name).client[method](...values);
}

/** Wait for `opened()`: the error's text, or null. */
export function opened(name) {
  return watched.get(name).client.opened().then(() => null, (error) => error.message);
}

/** Add a listener that throws. */
export function throwing([name, what]) {
  watched.get(name).client.on(what, () => {
    throw new Error("a listener's own");
  });
}

/** Read payloads until one equals `last`; what was read. */
export async function read([name, last]) {
  const payloads = [];
  for await (const payload of watched.get(name).client.events()) {
    payloads.push(payload);
    if (payload === last) break;
  }
  return payloads;
}

export function end() {
  for (const { client } of watched.values()) client.close();
  watched.clear();
}
