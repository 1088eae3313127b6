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

/** @type {ReadonlyMap<number, AfterClose>} */
const BY_CODE = new Map([
  [1000, "stop"], // the backend has disconnected this client, in good order
  [1002, "stop"], // the protocol was broken: the next connection would break it too
  [1003, "stop"], // a binary message: this client sends none
  [1007, "stop"], // no UTF-8: this client sends nothing else
  [1008, "later"], // a flood, or too many connections of the user
  [4401, "token"],
]);

/** What a backend may use to send somebody away; it is for backend and client to agree on others. */
const STAY_AWAY = [4403];

/**
 * Tell what to do after a connection was closed by the other side, or broke.
 *
 * @param {number} code 1005 and 1006 where there was none
 * @param {readonly number[]} [stayAway] codes after which this client does not come back
 * @returns {AfterClose}
 */
export function afterClose(code, stayAway = STAY_AWAY) {
  if (stayAway.includes(code)) return "stop";
  return BY_CODE.get(code) ?? "retry";
}
