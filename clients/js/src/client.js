// A client: one connection at a time, and what becomes of it.

import { socketAddress } from "./address.js";
import { afterHint, backoff, retryHint } from "./backoff.js";
import { afterClose, checkClose } from "./closing.js";
import { Connection } from "./connection.js";
import { Emitter } from "./emitter.js";
import { read, written } from "./frames.js";
import { settled } from "./options.js";
import { Stream } from "./stream.js";
import { surroundings } from "./surroundings.js";
import { NoOtherToken, Tokens } from "./tokens.js";

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
 * @template [Payload=any]
 * @typedef {object} Listeners
 * @property {(payload: Payload) => void} event something was published to this client
 * @property {() => void} open the gateway has taken this client: fetch what was missed
 * @property {(closed: Closed) => void} close a connection or an attempt has ended
 * @property {(state: State) => void} state it has changed
 * @property {() => void} rate_limited a message was too much, and was dropped by the gateway
 * @property {(message: any) => void} message the gateway sent something else
 * @property {(text: string) => void} frame any text message, as it came, before it is looked into
 * @property {(error: unknown) => void} error something failed: the token provider, a listener, a refresh
 */

/** @type {(keyof Listeners)[]} */
const TOLD = ["event", "open", "close", "state", "rate_limited", "message", "frame", "error"];

const LATER_MS = 60_000;
const NORMAL = 1000;
const RESTART = 1012;

/**
 * Connect to a gateway. Listeners that are added before the next turn of the event loop hear all.
 *
 * @template [Payload=any] what backends publish; it is not checked
 * @param {string | URL | (() => string | URL)} address of the WebSocket; `/ws` is the page's host; a
 *   function is asked before each attempt
 * @param {ClientOptions} [options]
 * @returns {Client<Payload>}
 * @throws {TypeError} the address or an option is wrong; the text says which, and what would be right
 */
export function connect(address, options = {}) {
  /** @type {Client<Payload>} */
  const client = new Client(address, options);
  client.connect();
  return client;
}

/** @template [Payload=any] what backends publish */
export class Client {
  #address;
  #options;
  /** @type {Emitter<Record<string, any> & Listeners<Payload>>} */
  #emitter = new Emitter(TOLD);
  /** @type {State} */
  #state = "closed";
  /** @type {Connection | null} */
  #connection = null;
  #tokens;
  #failures = 0;
  #notBefore = 0;
  /** Why it is refused or closed. */
  #why = "it was not asked to connect";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #held;
  /** @type {string[]} */
  #queue = [];
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
    this.#tokens = new Tokens(this.#options.token);
  }

  /** @returns {State} */
  get state() {
    return this.#state;
  }

  /**
   * Add a listener.
   *
   * @template {keyof Listeners<Payload>} Name
   * @param {Name} name
   * @param {Listeners<Payload>[Name]} listener
   * @returns {() => void} takes it off again
   */
  on(name, listener) {
    return this.#emitter.on(name, listener);
  }

  /** Begin, or begin again; where a connection is there or under way, nothing. */
  connect() {
    if (this.#state === "open" || this.#state === "connecting") return;
    this.#failures = 0;
    if (this.#state !== "waiting") this.#tokens.forgive();
    this.#unwatch ??= this.#surroundings.watch({
      seen: () => this.#lookAgain(),
      online: () => this.#lookAgain(),
      offline: () => this.#connection?.check(),
    });
    this.#begin();
  }

  /**
   * End it, for good; messages that wait for a connection are dropped.
   *
   * @param {number} [code] 1000, or 3000 to 4999
   * @param {string} [reason] at most 123 bytes
   * @throws {RangeError} another code, or a longer reason; nothing is closed then
   */
  close(code = NORMAL, reason = "") {
    checkClose(code, reason);
    if (this.#state === "closed" || this.#state === "refused") return;
    this.#connection?.close(code, reason);
    this.#end("closed", { code, reason, why: "it was closed here" });
  }

  /**
   * Send a message: an event `message_received` for the backend.
   *
   * @param {unknown} message a text as it is; anything else as JSON
   * @returns {boolean} whether it was sent, or is kept until there is a connection (`queue`). What
   *   was sent may be lost with the connection all the same: only an answer of the backend tells.
   * @throws {TypeError} it is binary, or JSON cannot say it
   * @throws {RangeError} it is longer than `maxMessageBytes`
   */
  send(message) {
    const text = written(message, this.#options.maxMessageBytes);
    if (this.#state === "open" && this.#connection?.open) {
      this.#connection.send(text);
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
    return new Promise((resolve, reject) => {
      const settle = () => {
        if (this.#state === "open") resolve();
        else if (this.#isComing()) return false;
        else reject(new Error(`the client is ${this.#state}: ${this.#why}`));
        return true;
      };
      if (settle()) return;
      const off = this.on("state", () => void (settle() && off()));
    });
  }

  /**
   * Hear events one by one: `for await (const payload of client.events())`. It ends with the client,
   * and at once where that is not connected nor about to be.
   *
   * @param {{limit?: number}} [options] how many may wait to be read, 1,000; with more, the loop throws
   * @returns {AsyncIterableIterator<Payload>}
   * @throws {TypeError} `limit` is no whole number above 0
   */
  events({ limit = 1000 } = {}) {
    if (!Number.isInteger(limit) || limit < 1) throw new TypeError("limit must be a whole number above 0");
    /** @type {Stream<Payload>} */
    const stream = new Stream(limit, () => off.forEach((each) => each()));
    const off = [
      this.on("event", (payload) => stream.push(payload)),
      this.on("state", (state) => {
        if (state === "closed" || state === "refused") stream.end();
      }),
    ];
    if (!this.#hasBegun()) stream.end();
    return stream;
  }

  #isComing() {
    return this.#state === "connecting" || this.#state === "waiting";
  }

  #hasBegun() {
    return this.#state === "open" || this.#isComing();
  }

  #begin() {
    clearTimeout(this.#timer);
    this.#connection = new Connection(() => socketAddress(this.#address()), this.#options, this.#tokens, {
      open: () => this.#opened(),
      frame: (text) => this.#heard(text),
      failed: (error) => this.#emitter.fail(error),
      end: (end) => this.#over(end),
    });
    this.#show("connecting");
  }

  #opened() {
    this.#held = setTimeout(() => void (this.#failures = 0), this.#options.backoff.heldMs);
    for (const text of this.#queue.splice(0)) this.#connection?.send(text);
    this.#show("open");
    if (this.#state === "open") this.#emitter.emit("open");
  }

  /** @param {string} text */
  #heard(text) {
    this.#emitter.emit("frame", text);
    if (this.#state !== "open") return; // whoever heard the frame has closed it
    let frame;
    try {
      frame = read(text);
    } catch (error) {
      return this.#emitter.fail(error);
    }
    if (frame.kind === "event") this.#emitter.emit("event", frame.payload);
    else if (frame.kind === "message") this.#emitter.emit("message", frame.message);
    else if (frame.kind === "rate_limited") this.#emitter.emit("rate_limited");
    else if (frame.kind !== "pong") this.#connection?.refreshed(frame.kind === "refreshed");
  }

  /**
   * A connection or an attempt is over: decide what comes next.
   *
   * @param {import("./connection.js").End} end
   */
  #over({ code, reason, token, error }) {
    clearTimeout(this.#held);
    this.#connection = null;
    if (error instanceof NoOtherToken) return this.#end("refused", { code, reason, why: error.message });
    if (error !== undefined) this.#emitter.fail(error);
    if (this.#connection || !this.#hasBegun()) return; // whoever heard of the error has decided
    const next = this.#options.reconnect ? afterClose(code, this.#options.stayAway) : "stop";
    if (next === "stop") return this.#end("closed", { code, reason, why: `it ended with ${code}` });
    if (next === "token") {
      try {
        this.#tokens.refuse(token);
      } catch (refusal) {
        const why = /** @type {NoOtherToken} */ (refusal).message;
        return this.#end("refused", { code, reason, why });
      }
    }
    this.#wait(next, code, reason);
  }

  /**
   * @param {import("./closing.js").AfterClose} next
   * @param {number} code
   * @param {string} reason
   */
  #wait(next, code, reason) {
    const told = next === "later" || (code === RESTART && retryHint(reason) !== null);
    const retryMs = this.#pause(next, code, reason);
    this.#notBefore = Date.now() + (told ? retryMs : 0);
    this.#timer = setTimeout(() => this.#due(), retryMs);
    this.#show("waiting");
    if (this.#state === "waiting") this.#emitter.emit("close", { code, reason, retryMs });
  }

  /**
   * @param {import("./closing.js").AfterClose} next
   * @param {number} code
   * @param {string} reason
   */
  #pause(next, code, reason) {
    const pause = backoff(this.#failures, this.#options.backoff);
    const isFirst = this.#failures++ === 0;
    if (next === "token" && isFirst) return 0; // another token, once
    if (next === "later") return LATER_MS + pause;
    const hint = code === RESTART ? retryHint(reason) : null;
    return hint === null ? pause : afterHint(hint);
  }

  #due() {
    const paused = this.#options.pauseWhenHidden && this.#surroundings.hidden();
    if (this.#state === "waiting" && !paused) this.#begin();
  }

  /** The page is seen again, or the network is back: what waits for its turn need not wait on. */
  #lookAgain() {
    this.#connection?.check();
    if (this.#state !== "waiting") return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#due(), Math.max(0, this.#notBefore - Date.now()));
  }

  /**
   * @param {"closed" | "refused"} state
   * @param {{code: number, reason: string, why: string}} end
   */
  #end(state, { code, reason, why }) {
    clearTimeout(this.#timer);
    clearTimeout(this.#held);
    this.#connection = null;
    this.#queue = [];
    this.#why = why;
    this.#unwatch?.();
    this.#unwatch = null;
    this.#show(state);
    this.#emitter.emit("close", { code, reason, retryMs: null });
  }

  /** @param {State} state */
  #show(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#emitter.emit("state", state);
  }
}
