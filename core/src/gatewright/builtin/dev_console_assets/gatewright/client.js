// A client: one connection at a time, and what becomes of it.

import { socketAddress } from "./address.js";
import { afterHint, backoff, retryHint } from "./backoff.js";
import { afterClose } from "./closing.js";
import { Emitter } from "./emitter.js";
import { read, written } from "./frames.js";
import { Link } from "./link.js";
import { settled } from "./options.js";
import { Refresher } from "./refresher.js";
import { Stream } from "./stream.js";
import { surroundings } from "./surroundings.js";

/** @typedef {import("./options.js").ClientOptions} ClientOptions */

/**
 * - `connecting`: an attempt is under way
 * - `open`: the gateway has taken this client
 * - `waiting`: for the next attempt
 * - `refused`: the token is no good, and there is no other; `connect()` tries again
 * - `closed`: by `close()`, or because the gateway said so; `connect()` tries again
 *
 * @typedef {"connecting" | "open" | "waiting" | "refused" | "closed"} State
 */

/**
 * The end of one connection, or of an attempt.
 *
 * @typedef {object} Closed
 * @property {number} code 1006 where nobody said why
 * @property {string} reason
 * @property {number | null} retryMs when it is tried again, in milliseconds; null: it is not
 */

/**
 * @typedef {object} Listeners
 * @property {(payload: any) => void} event something was published to this client
 * @property {() => void} open the gateway has taken this client: fetch what was missed
 * @property {(closed: Closed) => void} close a connection or an attempt has ended
 * @property {(state: State) => void} state it has changed
 * @property {() => void} rate_limited a message was too much, and was dropped by the gateway
 * @property {(message: any) => void} message the gateway sent something else
 * @property {(text: string) => void} frame any text message, as it came, before it is looked into
 * @property {(error: unknown) => void} error something failed: the token provider, a listener, a refresh
 */

const LATER_MS = 60_000;
const NORMAL = 1000;

/**
 * Connect to a gateway. Listeners that are added before the next turn of the event loop hear all.
 *
 * @param {string | URL | (() => string | URL)} address of the WebSocket; `/ws` is the page's host; a
 *   function is asked before each attempt
 * @param {ClientOptions} [options]
 * @returns {Client}
 */
export function connect(address, options = {}) {
  const client = new Client(address, options);
  client.connect();
  return client;
}

export class Client {
  #address;
  #options;
  /** @type {Emitter<Record<string, any> & Listeners>} */
  #emitter = new Emitter((error) => this.#failed(error));
  /** @type {State} */
  #state = "closed";
  /** @type {Link | null} */
  #link = null;
  #attempt = 0;
  #failures = 0;
  /** @type {string | null} */
  #token = null;
  /** @type {string | null} */
  #refused = null;
  #wantsFresh = false;
  #notBefore = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {string[]} */
  #queue = [];
  #refresher;
  #surroundings = surroundings();
  /** @type {(() => void) | null} */
  #unwatch = null;

  /**
   * @param {string | URL | (() => string | URL)} address
   * @param {ClientOptions} [options]
   */
  constructor(address, options = {}) {
    this.#address = typeof address === "function" ? address : () => address;
    this.#options = settled(options);
    if (typeof address !== "function") socketAddress(address);
    this.#refresher = new Refresher(this.#options.refreshBeforeMs, () => void this.#refresh());
  }

  /** @returns {State} */
  get state() {
    return this.#state;
  }

  /**
   * Add a listener.
   *
   * @template {keyof Listeners} Name
   * @param {Name} name
   * @param {Listeners[Name]} listener
   * @returns {() => void} takes it off again
   */
  on(name, listener) {
    return this.#emitter.on(name, listener);
  }

  /** Begin, or begin again; where a connection is there or under way, nothing. */
  connect() {
    if (this.#state === "open" || this.#state === "connecting") return;
    this.#failures = 0;
    this.#refused = null;
    this.#wantsFresh = this.#state === "refused";
    this.#unwatch ??= this.#surroundings.watch({
      seen: () => this.#lookAgain(),
      online: () => this.#lookAgain(),
      offline: () => this.#link?.check(),
    });
    this.#begin();
  }

  /**
   * End it, for good; messages that wait for a connection are dropped.
   *
   * @param {number} [code] 1000, or 3000 to 4999
   * @param {string} [reason] at most 123 bytes
   */
  close(code = NORMAL, reason = "") {
    if (this.#state === "closed" || this.#state === "refused") return;
    this.#link?.close(code, reason);
    this.#end("closed", code, reason);
  }

  /**
   * Send a message: an event `message_received` for the backend.
   *
   * @param {unknown} message a text as it is; anything else as JSON
   * @returns {boolean} whether it was sent, or is kept until there is a connection (`queue`). What
   *   was sent may be lost with the connection all the same: only an answer of the backend tells.
   * @throws {TypeError} it is binary, or JSON cannot say it
   */
  send(message) {
    const text = written(message);
    if (this.#link?.open) {
      this.#link.send(text);
      return true;
    }
    const kept = this.#queue.length < this.#options.queue && this.#isComing();
    if (kept) this.#queue.push(text);
    return kept;
  }

  /**
   * Wait for the connection.
   *
   * @returns {Promise<void>} settles when it is open; rejects when this client gives up
   */
  opened() {
    if (this.#state === "open") return Promise.resolve();
    return new Promise((resolve, reject) => {
      const off = this.on("state", (state) => {
        if (state === "open") resolve();
        else if (state === "refused" || state === "closed") reject(new Error(`the client is ${state}`));
        else return;
        off();
      });
    });
  }

  /**
   * Hear events one by one: `for await (const payload of client.events())`. It ends with the client.
   *
   * @param {{limit?: number}} [options] how many may wait to be read, 1,000; with more, the loop throws
   * @returns {AsyncIterableIterator<any>}
   */
  events({ limit = 1000 } = {}) {
    const stream = new Stream(limit, () => off.forEach((each) => each()));
    const off = [
      this.on("event", (payload) => stream.push(payload)),
      this.on("state", (state) => {
        if (state === "closed" || state === "refused") stream.end();
      }),
    ];
    return stream;
  }

  #isComing() {
    return this.#state === "connecting" || this.#state === "waiting";
  }

  #begin() {
    clearTimeout(this.#timer);
    const attempt = ++this.#attempt;
    this.#show("connecting");
    const current = () => attempt === this.#attempt && this.#state === "connecting";
    void this.#open(current).catch((error) => {
      if (!current()) return;
      this.#failed(error);
      this.#over(1006, "");
    });
  }

  /** @param {() => boolean} current whether nothing has come in between */
  async #open(current) {
    await null; // whoever has made the client may add listeners first
    const token = await this.#options.token({ fresh: this.#wantsFresh });
    if (!current()) return;
    if (token !== null && typeof token !== "string") throw new TypeError("the token is no text");
    if (token === this.#refused && this.#wantsFresh) return this.#end("refused", 4401, "");
    this.#token = token;
    this.#link = new Link(() => this.#socket(token), this.#options, {
      open: () => this.#opened(),
      frame: (text) => this.#heard(text),
      end: (code, reason) => this.#over(code, reason),
    });
  }

  /** @param {string | null} token */
  #socket(token) {
    const { tokenIn, WebSocket } = this.#options;
    const url = socketAddress(this.#address());
    if (token === null) return new WebSocket(url.href);
    if (tokenIn === "protocol") return new WebSocket(url.href, ["bearer", token]);
    url.searchParams.set("token", token);
    return new WebSocket(url.href);
  }

  #opened() {
    this.#failures = 0;
    this.#refused = null;
    this.#wantsFresh = false;
    this.#refresher.watch(this.#token);
    const waiting = this.#queue.splice(0);
    this.#show("open");
    this.#emitter.emit("open");
    for (const text of waiting) this.#link?.send(text);
  }

  /** @param {string} text */
  #heard(text) {
    this.#emitter.emit("frame", text);
    let frame;
    try {
      frame = read(text);
    } catch (error) {
      return this.#failed(error);
    }
    if (frame.kind === "event") this.#emitter.emit("event", frame.payload);
    else if (frame.kind === "message") this.#emitter.emit("message", frame.message);
    else if (frame.kind === "rate_limited") this.#emitter.emit("rate_limited");
    else if (frame.kind === "refreshed") this.#refresher.watch(this.#token);
    else if (frame.kind === "refresh_failed") this.#failed(new Error("the fresh token was refused"));
  }

  /**
   * A connection or an attempt is over: decide what comes next.
   *
   * @param {number} code
   * @param {string} reason
   */
  #over(code, reason) {
    this.#link = null;
    this.#refresher.stop();
    const next = this.#options.reconnect ? afterClose(code, this.#options.stayAway) : "stop";
    if (next === "stop") return this.#end("closed", code, reason);
    if (next === "token") return this.#renew(code, reason);
    this.#wait(this.#pause(next, reason), code, reason);
  }

  /**
   * @param {"retry" | "later"} next
   * @param {string} reason
   */
  #pause(next, reason) {
    const pause = backoff(this.#failures++, this.#options.backoff);
    if (next === "later") return LATER_MS + pause;
    const hint = retryHint(reason);
    return hint === null ? pause : afterHint(hint);
  }

  /**
   * The token was refused, or has ended: come back with another one, once.
   *
   * @param {number} code
   * @param {string} reason
   */
  #renew(code, reason) {
    if (this.#wantsFresh) return this.#end("refused", code, reason);
    this.#refused = this.#token;
    this.#wantsFresh = true;
    this.#wait(0, code, reason);
  }

  /**
   * @param {number} retryMs
   * @param {number} code
   * @param {string} reason
   */
  #wait(retryMs, code, reason) {
    const hinted = retryHint(reason) !== null || retryMs >= LATER_MS;
    this.#notBefore = hinted ? Date.now() + retryMs : 0;
    this.#show("waiting");
    this.#timer = setTimeout(() => this.#due(), retryMs);
    this.#emitter.emit("close", { code, reason, retryMs });
  }

  #due() {
    const paused = this.#options.pauseWhenHidden && this.#surroundings.hidden();
    if (this.#state === "waiting" && !paused) this.#begin();
  }

  /** The page is seen again, or the network is back: what waits for its turn need not wait on. */
  #lookAgain() {
    this.#link?.check();
    if (this.#state !== "waiting") return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#due(), Math.max(0, this.#notBefore - Date.now()));
  }

  /**
   * @param {"closed" | "refused"} state
   * @param {number} code
   * @param {string} reason
   */
  #end(state, code, reason) {
    clearTimeout(this.#timer);
    this.#refresher.stop();
    this.#attempt++;
    this.#link = null;
    this.#queue = [];
    this.#unwatch?.();
    this.#unwatch = null;
    this.#show(state);
    this.#emitter.emit("close", { code, reason, retryMs: null });
  }

  async #refresh() {
    const link = this.#link;
    try {
      const token = await this.#options.token({ fresh: true });
      if (link === null || link !== this.#link) return;
      if (typeof token !== "string" || token === this.#token) {
        throw new Error("the token ends soon, and there is no fresh one");
      }
      this.#token = token;
      link.send(JSON.stringify({ type: "refresh", token }));
    } catch (error) {
      this.#failed(error);
    }
  }

  /** @param {State} state */
  #show(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#emitter.emit("state", state);
  }

  /** @param {unknown} error told to whoever listens, else to the page or process */
  #failed(error) {
    let told = false;
    try {
      told = this.#emitter.emit("error", error);
    } finally {
      if (!told) report(error);
    }
  }
}

/** @param {unknown} error */
function report(error) {
  if (typeof globalThis.reportError === "function") globalThis.reportError(error);
  else console.error(error);
}
