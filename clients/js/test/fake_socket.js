// A WebSocket that a test opens, feeds and ends: for faults and moments that no gateway can be made to have.

export function fakeSockets() {
  const all = [];
  class FakeSocket {
    sent = [];
    closed = null;
    readyState = 1;

    constructor(url, protocols) {
      Object.assign(this, { url, protocols });
      all.push(this);
    }

    send(text) {
      this.sent.push(text);
    }

    close(code, reason) {
      this.closed = { code, reason };
      this.readyState = 2;
    }

    /** Open it, and have the gateway answer the first ping. */
    accept() {
      this.onopen?.();
      this.hear({ type: "pong" });
    }

    hear(message) {
      this.onmessage?.({ data: typeof message === "string" ? message : JSON.stringify(message) });
    }

    end(code, reason = "") {
      this.readyState = 3;
      this.onclose?.({ code, reason });
    }
  }
  return { all, FakeSocket, last: () => all.at(-1) };
}

/** Let everything run that waits for nothing but its turn. */
export async function turns(count = 10) {
  for (let turn = 0; turn < count; turn++) await Promise.resolve();
}

/** A token that ends at a time, unsigned: only its claims are looked at. */
export function tokenUntil(ms, more = {}) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none" })}.${part({ exp: ms / 1000, ...more })}.`;
}
