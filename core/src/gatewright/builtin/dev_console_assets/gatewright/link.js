// One WebSocket, from its handshake to its end, which comes once.

/**
 * What the gateway may send beside events; all that is none of these is a message.
 *
 * @typedef {object} LinkListener
 * @property {() => void} open the gateway has taken this client
 * @property {(text: string) => void} frame a text message, as it came
 * @property {(code: number, reason: string) => void} end it is over; 1006 where nobody said why
 */

const OPEN = 1; // the standard's readyState
const PING = '{"type":"ping"}';

export class Link {
  #socket;
  #listener;
  #times;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #open = false;
  #heardAt = 0;
  #heardCount = 0;

  /**
   * @param {() => WebSocket} open begins the handshake
   * @param {{pingMs: number, pongMs: number}} times
   * @param {LinkListener} listener
   */
  constructor(open, times, listener) {
    this.#times = times;
    this.#listener = listener;
    this.#socket = open();
    this.#socket.onopen = () => this.#opened();
    this.#socket.onmessage = ({ data }) => this.#heard(String(data));
    this.#socket.onclose = ({ code, reason }) => this.#ended(code, reason);
    this.#socket.onerror = () => {}; // a close follows, and says as much
  }

  /** Whether something can be sent now: not while it is being closed. */
  get open() {
    return this.#open && this.#socket.readyState === OPEN;
  }

  /** @param {string} text */
  send(text) {
    this.#socket.send(text);
  }

  /** Ask whether the gateway is there, soon after something that may have broken the connection. */
  check() {
    if (this.open && this.#times.pingMs) this.#ask();
  }

  /**
   * Close in good order; the listener hears nothing more.
   *
   * @param {number} code
   * @param {string} reason
   */
  close(code, reason) {
    this.#socket.close(code, reason); // what is wrong with code or reason is told before the end
    this.#letGo();
  }

  /** Without pings, the handshake has to do as proof that the gateway has taken this client. */
  #opened() {
    if (this.#times.pingMs) this.#ask();
    else this.#taken();
  }

  #taken() {
    clearTimeout(this.#timer);
    this.#open = true;
    this.#heardAt = Date.now();
    if (this.#times.pingMs) this.#wait(this.#times.pingMs);
    this.#listener.open();
  }

  /** @param {string} text */
  #heard(text) {
    if (!this.#open) this.#taken();
    this.#heardAt = Date.now();
    this.#heardCount += 1;
    this.#listener.frame(text);
  }

  /** @param {number} ms */
  #wait(ms) {
    this.#timer = setTimeout(() => this.#quiet(), ms);
  }

  #quiet() {
    const silence = Date.now() - this.#heardAt; // below 0 where the clock was set back
    if (silence >= 0 && silence < this.#times.pingMs) this.#wait(this.#times.pingMs - silence);
    else this.#ask();
  }

  #ask() {
    clearTimeout(this.#timer);
    const heardBefore = this.#heardCount;
    if (this.#socket.readyState === OPEN) this.#socket.send(PING);
    this.#timer = setTimeout(() => {
      if (this.#heardCount > heardBefore) this.#quiet();
      else this.abandon();
    }, this.#times.pongMs);
  }

  /** End it now, as 1006. Where nobody answers, a close frame would not be answered either. */
  abandon() {
    const socket = this.#socket;
    this.#ended(1006, "");
    socket.close();
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #ended(code, reason) {
    this.#letGo();
    this.#listener.end(code, reason);
  }

  #letGo() {
    clearTimeout(this.#timer);
    this.#open = false;
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
  }
}
