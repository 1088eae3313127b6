// Exchanging the token of an open connection before it ends.

import { expiryOf } from "./token.js";

/** The longest wait that timers can count; a later time is waited for in pieces. */
const LONGEST_MS = 2 ** 31 - 1;

export class Refresher {
  #beforeMs;
  #due;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {number | null} beforeMs how long before the end of a token; null: never
   * @param {() => void} due called when it is time
   */
  constructor(beforeMs, due) {
    this.#beforeMs = beforeMs;
    this.#due = due;
  }

  /**
   * Wait for the end of this token; of one whose end cannot be told, for ever.
   *
   * @param {string | null} token
   */
  watch(token) {
    this.stop();
    const ends = token === null ? null : expiryOf(token);
    if (this.#beforeMs !== null && ends !== null) this.#wait(ends - this.#beforeMs);
  }

  stop() {
    clearTimeout(this.#timer);
  }

  /** @param {number} at milliseconds since 1970 */
  #wait(at) {
    const left = Math.max(0, at - Date.now());
    this.#timer = setTimeout(
      () => (left > LONGEST_MS ? this.#wait(at) : this.#due()),
      Math.min(left, LONGEST_MS),
    );
  }
}
