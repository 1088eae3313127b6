// One attempt, from its token to its end.

import { openSocket } from "./handshake.js";
import { Link } from "./link.js";
import { Refresh } from "./refresh.js";
import { NoOtherToken } from "./tokens.js";

/**
 * @typedef {object} ConnectionListener
 * @property {() => void} open the gateway has taken this client
 * @property {(text: string) => void} frame a text message, as it came
 * @property {(error: unknown) => void} failed something failed, and nothing ends by it
 * @property {(end: End) => void} end it is over; nothing comes after it
 */

/**
 * @typedef {object} End
 * @property {number} code 1006 where nobody said why
 * @property {string} reason
 * @property {string | null} token the one that counted last
 * @property {unknown} [error] why there was no connection at all
 */

export class Connection {
  #address;
  #options;
  #tokens;
  #listener;
  /** @type {Link | null} */
  #link = null;
  /** @type {Refresh | null} */
  #refresh = null;
  /** @type {string | null} */
  #token = null;
  #over = false;
  #givenUp = new AbortController();
  #deadline;

  /**
   * @param {() => URL} address asked once the token is there
   * @param {import("./options.js").Settled} options
   * @param {import("./tokens.js").Tokens} tokens
   * @param {ConnectionListener} listener
   */
  constructor(address, options, tokens, listener) {
    this.#address = address;
    this.#options = options;
    this.#tokens = tokens;
    this.#listener = listener;
    this.#deadline = setTimeout(() => this.#late(), options.connectMs);
    void this.#begin();
  }

  get open() {
    return this.#link?.open ?? false;
  }

  /** @param {string} text */
  send(text) {
    this.#link?.send(text);
  }

  /** Ask whether the gateway is there. */
  check() {
    this.#link?.check();
  }

  /** The gateway's answer to a fresh token. @param {boolean} taken */
  refreshed(taken) {
    if (taken) this.#refresh?.taken();
    else this.#refresh?.refused();
  }

  /**
   * Close in good order; the listener hears nothing more.
   *
   * @param {number} code
   * @param {string} reason
   */
  close(code, reason) {
    this.#link?.close(code, reason); // what is wrong with code or reason is told before the end
    this.#finish();
  }

  async #begin() {
    try {
      await null; // whoever has made the client may add listeners first
      const token = await this.#tokens.take(this.#givenUp.signal);
      if (this.#over) return;
      this.#givenUp.signal.throwIfAborted();
      this.#open(token);
    } catch (error) {
      const code = error instanceof NoOtherToken ? 4401 : 1006;
      this.#end({ code, reason: "", token: this.#token, error });
    }
  }

  #late() {
    if (this.#link) this.#link.abandon();
    else this.#givenUp.abort(new Error(`there is no token after ${this.#options.connectMs} ms`));
  }

  /** @param {string | null} token */
  #open(token) {
    const { WebSocket, tokenIn } = this.#options;
    this.#token = token;
    const url = this.#address();
    this.#link = new Link(() => openSocket(WebSocket, url, token, tokenIn), this.#options, {
      open: () => this.#opened(),
      frame: (text) => this.#listener.frame(text),
      end: (code, reason) => {
        this.#end({ code, reason, token: this.#refresh?.token ?? this.#token });
      },
    });
  }

  #opened() {
    clearTimeout(this.#deadline);
    this.#tokens.accepted();
    const beforeMs = this.#options.refreshBeforeMs;
    if (beforeMs !== null && this.#token !== null) {
      this.#refresh = new Refresh(this.#token, {
        beforeMs,
        fresh: (signal) => this.#tokens.fresh(signal),
        send: (text) => this.send(text),
        failed: this.#listener.failed,
      });
    }
    this.#listener.open();
  }

  /** @param {End} end */
  #end(end) {
    if (this.#over) return;
    this.#finish();
    this.#listener.end(end);
  }

  #finish() {
    this.#over = true;
    clearTimeout(this.#deadline);
    this.#refresh?.stop();
    this.#link = null;
    this.#givenUp.abort(new Error("the client was closed"));
  }
}
