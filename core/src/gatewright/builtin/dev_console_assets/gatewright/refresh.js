// Exchanging the token of an open connection before it ends.

import { timeLeft } from "./token.js";

const LONGEST_MS = 2 ** 31 - 1; // timers cannot count further
const SHORTEST_MS = 1_000; // between two attempts
const CLOCK_IS_WRONG_MS = 30_000; // between them, where a token that was just taken seems to be over
const ANSWER_MS = 10_000;

/**
 * @typedef {object} RefreshParts
 * @property {number} beforeMs how long before the end of a token
 * @property {(signal: AbortSignal) => Promise<string | null>} fresh gives another token
 * @property {(text: string) => void} send
 * @property {(error: unknown) => void} failed
 */

/** Keeps the token of one connection fresh, until it is stopped. */
export class Refresh {
  #parts;
  #token;
  /** @type {string | null} the one the gateway was sent, and has not answered */
  #offered = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #stopped = new AbortController();

  /**
   * @param {string} token the one that the gateway has taken; one whose end cannot be told is kept for ever
   * @param {RefreshParts} parts
   */
  constructor(token, parts) {
    this.#token = token;
    this.#parts = parts;
    this.#plan();
  }

  /** The token that counts. */
  get token() {
    return this.#token;
  }

  /** The gateway has taken the fresh token. */
  taken() {
    if (this.#offered === null) return;
    this.#token = this.#offered;
    this.#offered = null;
    this.#plan();
  }

  /** The gateway has refused it: the old one counts until its end. */
  refused() {
    if (this.#offered === null) return;
    this.#offered = null;
    clearTimeout(this.#timer);
    this.#parts.failed(new Error("the gateway refused a fresh token; the connection ends with the old one"));
  }

  stop() {
    clearTimeout(this.#timer);
    this.#stopped.abort(new Error("the connection has ended"));
  }

  /** Wait until it is time; of what is left after that, half. */
  #plan() {
    const left = timeLeft(this.#token, Date.now());
    if (left === null) return;
    const least = left === 0 ? CLOCK_IS_WRONG_MS : SHORTEST_MS;
    const wait = Math.max(left - this.#parts.beforeMs, left / 2, least);
    if (wait > LONGEST_MS) this.#wait(LONGEST_MS, () => this.#plan());
    else this.#wait(wait, () => void this.#renew());
  }

  async #renew() {
    const { signal } = this.#stopped;
    try {
      const token = await this.#parts.fresh(signal);
      if (signal.aborted) return;
      if (token === null || token === this.#token) throw new Error("the token ends soon, and there is no fresh one");
      this.#offer(token);
    } catch (error) {
      if (signal.aborted) return;
      this.#plan();
      this.#parts.failed(error);
    }
  }

  /** @param {string} token */
  #offer(token) {
    this.#offered = token;
    this.#parts.send(JSON.stringify({ type: "refresh", token }));
    this.#wait(ANSWER_MS, () => {
      this.#offered = null;
      this.#parts.failed(new Error("the gateway does not answer a refresh: is its session.refresh true?"));
    });
  }

  /**
   * @param {number} ms
   * @param {() => void} then
   */
  #wait(ms, then) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, ms);
  }
}
