// The page's line to the gateways: at the next address when one is lost.

import { connect } from "/demo/client/index.js";

export class Line {
  #client;

  /**
   * @param options `addresses` of the gateways, and which of them is `first`; `token` provides
   *   tokens; `heard` is called with each payload, `limited` when too much was sent, `changed` with
   *   the state, and `failed` with what went wrong
   */
  constructor({ addresses, first, token, heard, limited, changed, failed }) {
    let at = first;
    const client = connect(() => addresses[at], { token, tokenIn: "protocol", refresh: true });
    client.on("event", heard);
    client.on("rate_limited", limited);
    client.on("state", changed);
    client.on("error", failed);
    client.on("close", () => {
      at = (at + 1) % addresses.length;
    });
    this.#client = client;
  }

  /** Send a message; false where it cannot be sent now. */
  send(message) {
    return this.#client.send(message);
  }

  close() {
    this.#client.close();
  }
}
