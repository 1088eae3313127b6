// The page's line to the gateways: one client at a time, at the next address when one is lost.

import { connect } from "/demo/client/index.js";

const TRIES_AT_ONE = 2;
const SPREAD_MS = 1_000; // those who lost a gateway do not all come to the next one at once

export class Line {
  #options;
  #at;
  #client = null;
  #failures = 0;
  #moving = null;

  /**
   * @param options `addresses` of the gateways, and which of them is `first`; `token` provides
   *   tokens; `heard` is called with each payload, `limited` when too much was sent, and `changed`
   *   with the state: connecting, open, waiting, or refused and why
   */
  constructor(options) {
    this.#options = options;
    this.#at = options.first;
    this.#connect();
  }

  /** Send a message; false where it cannot be sent now. */
  send(message) {
    return this.#client.state === "open" && this.#client.send(message) !== false;
  }

  close() {
    clearTimeout(this.#moving);
    const client = this.#client;
    this.#client = null;
    client.close();
  }

  #connect() {
    const { addresses, token, heard, limited } = this.#options;
    const client = connect(addresses[this.#at], { token, tokenIn: "protocol", refresh: true });
    this.#client = client;
    client.on("event", heard);
    client.on("rate_limited", limited);
    client.on("state", (state) => client === this.#client && this.#changed(state));
    this.#options.changed("connecting");
  }

  #changed(state) {
    this.#options.changed(state);
    if (state === "open") this.#failures = 0;
    if (state !== "waiting") return;
    this.#failures += 1;
    const wasOpen = this.#failures === 1;
    if (this.#options.addresses.length > 1 && (wasOpen || this.#failures > TRIES_AT_ONE)) this.#move();
  }

  /** Go on at the next address. */
  #move() {
    clearTimeout(this.#moving);
    this.#moving = setTimeout(() => {
      this.#at = (this.#at + 1) % this.#options.addresses.length;
      const left = this.#client;
      this.#client = null;
      left.close();
      this.#connect();
    }, Math.random() * SPREAD_MS);
  }
}
