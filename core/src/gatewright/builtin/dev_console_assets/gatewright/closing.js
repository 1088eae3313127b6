// What a close code asks of a client. The codes and their meanings are those of the gateway's page
// about close codes; RFC 6455, section 7.4, defines the registered ones.

/**
 * - `retry`: come back after a pause that grows
 * - `later`: come back, but not within a minute
 * - `token`: come back with another token, or not at all
 * - `stop`: do not come back
 *
 * @typedef {"retry" | "later" | "token" | "stop"} AfterClose
 */

/**
 * What to do after each code that a gateway sends, or that stands for a lost connection.
 *
 * @type {ReadonlyMap<number, AfterClose>}
 */
export const closeCodes = new Map([
  [1000, "stop"], // the backend has disconnected this client, in good order
  [1001, "retry"], // something in between goes away
  [1002, "stop"], // the protocol was broken: the next connection would break it too
  [1003, "stop"], // a binary message: this client sends none
  [1005, "retry"], // closed without a code
  [1006, "retry"], // lost
  [1007, "stop"], // no UTF-8: this client sends nothing else
  [1008, "later"], // a flood, or too many connections of the user
  [1009, "stop"], // a message too big: whoever sent it would send it again
  [1011, "retry"], // no pong came
  [1012, "retry"], // the gateway restarts; its hint is kept
  [1013, "retry"], // nobody can tell now whether the token is good
  [4008, "retry"], // it read too slowly
  [4401, "token"], // the token is refused, or has ended
]);

/** What a backend may use to send somebody away; it is for backend and client to agree on others. */
const STAY_AWAY = [4403];

/** What a close frame has room for (RFC 6455, section 5.5), without the code. */
const REASON_BYTES = 123;

/**
 * Check how a client wants to close; browsers allow no other codes.
 *
 * @param {number} code
 * @param {string} reason
 * @throws {RangeError} the code is not the client's to send, or the reason is too long
 */
export function checkClose(code, reason) {
  if (!Number.isInteger(code) || (code !== 1000 && (code < 3000 || code > 4999))) {
    throw new RangeError(`close() takes 1000 or a code from 3000 to 4999, found ${code}`);
  }
  const bytes = new TextEncoder().encode(reason).length;
  if (bytes > REASON_BYTES) {
    throw new RangeError(`close() takes a reason of at most ${REASON_BYTES} bytes, found ${bytes}`);
  }
}

/**
 * Tell what to do after a connection was closed by the other side, or broke.
 *
 * @param {number} code 1005 and 1006 where there was none
 * @param {readonly number[]} [stayAway] codes after which this client does not come back
 * @returns {AfterClose} for a code that is not known, `retry`
 */
export function afterClose(code, stayAway = STAY_AWAY) {
  if (stayAway.includes(code)) return "stop";
  return closeCodes.get(code) ?? "retry";
}
