// Where tokens come from, and whether there is another one after a refusal.

/** @typedef {import("./options.js").TokenProvider} TokenProvider */

/** There is no other token: coming back would not help. */
export class NoOtherToken extends Error {}

export class Tokens {
  #given;
  /** @type {string | null | undefined} the one that was refused; undefined: none was */
  #refused;
  #wantsFresh = false;

  /** @param {string | TokenProvider | null} given */
  constructor(given) {
    this.#given = given;
  }

  /**
   * The token for the next connection; null for none.
   *
   * @param {AbortSignal} signal ends the waiting for it
   * @returns {Promise<string | null>}
   * @throws {NoOtherToken} the provider gives the refused one again
   */
  async take(signal) {
    const token = await this.#ask(this.#wantsFresh, signal);
    if (token === this.#refused) {
      throw new NoOtherToken("the token was refused, and the provider gives the same one again");
    }
    return token;
  }

  /**
   * A token to exchange for the one in use.
   *
   * @param {AbortSignal} signal
   */
  fresh(signal) {
    return this.#ask(true, signal);
  }

  /** The gateway has taken the token. */
  accepted() {
    this.#refused = undefined;
    this.#wantsFresh = false;
  }

  /**
   * The gateway has refused a token, or it has ended.
   *
   * @param {string | null} token
   * @throws {NoOtherToken} a fresh one was refused, too, or there is nobody to ask for one
   */
  refuse(token) {
    if (typeof this.#given !== "function") {
      const why = this.#given === null ? "the gateway wants a token" : "the gateway refused the token";
      throw new NoOtherToken(`${why}: give a function as option token`);
    }
    if (this.#wantsFresh) throw new NoOtherToken("the gateway refused the token, and a fresh one");
    this.#refused = token;
    this.#wantsFresh = true;
  }

  /** Begin anew: what was refused may have become good. */
  forgive() {
    this.#refused = undefined;
  }

  /**
   * @param {boolean} fresh
   * @param {AbortSignal} signal
   */
  async #ask(fresh, signal) {
    if (typeof this.#given !== "function") return this.#given;
    const token = await Promise.race([this.#given({ fresh, signal }), aborted(signal)]);
    if (token === null || (typeof token === "string" && token !== "")) return token;
    const found = token === "" ? "an empty text" : typeof token;
    throw new TypeError(`the token provider must give a text, or null for no token; it gave ${found}`);
  }
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<never>}
 */
function aborted(signal) {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
