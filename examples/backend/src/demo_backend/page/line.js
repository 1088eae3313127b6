// The page's line to the gateways: one client at a time, at the next address when one is lost.

import { connect } from "/demo/client/index.js";

const TRIES_AT_ONE = 2;

export class Line {
  #addresses;
  #at;
  #options;
  #heard;
  #changed;
  #client = null;
  #failures = 0;

  /**
   * @param addresses the gateways' WebSockets; with several, a lost one is left for the next
   * @param first which of them to begin with
   * @param options those of the client, such as the token provider
   * @param heard called with each payload
   * @param changed called with the state of the connection
   */
  constructor({ addresses, first, options, heard, changed }) {
    this.#addresses = addresses;
    this.#at = first;
    this.#options = options;
    this.#heard = heard;
    this.#changed = changed;
    this.#connect();
  }

  /** Send a message; false where there is no connection now. */
  send(message) {
    return this.#client.state === "open" && this.#client.send(message);
  }

  close() {
    this.#client.close();
  }

  #connect() {
    const client = connect(this.#addresses[this.#at], this.#options);
    this.#client = client;
    client.on("event", this.#heard);
    client.on("state", (state) => this.#moved(client, state));
  }

  #moved(client, state) {
    if (client !== this.#client) return;
    this.#changed(state);
  }
}
