// What a client can be told, with its defaults.

/**
 * Returns a token. `fresh` is true when the last one was refused or is about to end: then one that
 * was kept must not be given again. `signal` aborts when the token is no longer waited for.
 *
 * @typedef {(wanted: {fresh: boolean, signal: AbortSignal}) => string | null | Promise<string | null>} TokenProvider
 */

/**
 * The part of a WebSocket class that is used; browsers and Node 22 have one.
 *
 * @typedef {new (url: string | URL, protocols?: string | string[]) => WebSocket} WebSocketClass
 */

/**
 * @typedef {object} ClientOptions
 * @property {string | TokenProvider | null} [token] the token, or what returns one before each
 *   connection; null for none
 * @property {"query" | "protocol"} [tokenIn] where the token goes: into the query as `token`, or
 *   into the sub-protocols, which proxies do not write into their logs
 * @property {boolean | {beforeSeconds?: number}} [refresh] whether to exchange the token of an open
 *   connection before it ends (the gateway's `session.refresh`); 30 seconds before, unless told
 * @property {boolean} [reconnect] whether to come back by itself; true
 * @property {{minMs?: number, maxMs?: number, heldMs?: number}} [backoff] the longest first pause
 *   between attempts, the longest of all, and how long a connection must hold until the pauses are
 *   short again: 1,000, 30,000 and 5,000
 * @property {number} [connectMs] what a connection may take to open, its token included: 15,000
 * @property {number} [pingMs] after how long a silence the gateway is asked whether it is there:
 *   25,000; 0: never, and a connection counts as open before the gateway has judged its token
 * @property {number} [pongMs] what its answer may take: 10,000
 * @property {number} [maxMessageBytes] the gateway's `limits.message_bytes`, 1,048,576: what is longer
 *   is not sent, because the gateway would close the connection
 * @property {number} [queue] how many messages are kept while there is no connection: 0
 * @property {boolean} [pauseWhenHidden] whether a page that is out of sight waits with coming back
 *   until it is seen; true
 * @property {readonly number[]} [stayAway] close codes after which it does not come back: 4403
 * @property {WebSocketClass} [WebSocket] another class than the built-in one
 */

/**
 * @typedef {object} Settled
 * @property {string | TokenProvider | null} token
 * @property {"query" | "protocol"} tokenIn
 * @property {number | null} refreshBeforeMs
 * @property {boolean} reconnect
 * @property {{minMs: number, maxMs: number, heldMs: number}} backoff
 * @property {number} connectMs
 * @property {number} pingMs
 * @property {number} pongMs
 * @property {number} maxMessageBytes
 * @property {number} queue
 * @property {number} maxMessageBytes
 * @property {boolean} pauseWhenHidden
 * @property {readonly number[]} stayAway
 * @property {WebSocketClass} WebSocket
 */

const KNOWN = [
  ...["token", "tokenIn", "refresh", "reconnect", "backoff", "connectMs", "pingMs", "pongMs"],
  ...["queue", "maxMessageBytes", "pauseWhenHidden", "stayAway", "WebSocket"],
];
const MOST = 2 ** 31 - 1;

/**
 * @param {ClientOptions} given
 * @returns {Settled}
 */
export function settled(given) {
  known("option", given, KNOWN);
  const { tokenIn = "query", backoff = {}, stayAway = [4403] } = given;
  if (tokenIn !== "query" && tokenIn !== "protocol") {
    throw new TypeError(`tokenIn must be "query" or "protocol"`);
  }
  if (!Array.isArray(stayAway) || !stayAway.every(Number.isInteger)) {
    throw new TypeError("stayAway must be an array of close codes, such as [4403]");
  }
  const token = checkedToken(given.token ?? null);
  return {
    token,
    tokenIn,
    refreshBeforeMs: refreshBefore(given.refresh ?? false, token),
    reconnect: flag("reconnect", given.reconnect, true),
    backoff: bounds(backoff),
    connectMs: number("connectMs", given.connectMs, 15_000, 1),
    pingMs: number("pingMs", given.pingMs, 25_000, 0),
    pongMs: number("pongMs", given.pongMs, 10_000, 1),
    queue: number("queue", given.queue, 0, 0),
    maxMessageBytes: number("maxMessageBytes", given.maxMessageBytes, 1_048_576, 1),
    pauseWhenHidden: flag("pauseWhenHidden", given.pauseWhenHidden, true),
    stayAway,
    WebSocket: given.WebSocket ?? builtIn(),
  };
}

/**
 * @param {unknown} token
 * @returns {string | TokenProvider | null}
 */
function checkedToken(token) {
  if (typeof token === "function") return /** @type {TokenProvider} */ (token);
  if (token === null || (typeof token === "string" && token !== "")) return token;
  throw new TypeError("token must be a text that is not empty, or a function that returns one");
}

/**
 * @param {boolean | {beforeSeconds?: number}} refresh
 * @param {string | TokenProvider | null} token
 */
function refreshBefore(refresh, token) {
  if (refresh === false) return null;
  if (typeof token !== "function") {
    throw new TypeError("refresh needs a function as token, to get fresh ones from");
  }
  if (refresh === true) return 30_000;
  known("part of refresh", refresh, ["beforeSeconds"]);
  return number("refresh.beforeSeconds", refresh.beforeSeconds, 30, 0) * 1000;
}

/** @param {{minMs?: number, maxMs?: number, heldMs?: number}} backoff */
function bounds(backoff) {
  known("part of backoff", backoff, ["minMs", "maxMs", "heldMs"]);
  const minMs = number("backoff.minMs", backoff.minMs, 1000, 1);
  const maxMs = number("backoff.maxMs", backoff.maxMs, Math.max(30_000, minMs), 1);
  if (maxMs < minMs) throw new TypeError(`backoff.maxMs must be at least backoff.minMs, ${minMs}`);
  return { minMs, maxMs, heldMs: number("backoff.heldMs", backoff.heldMs, 5_000, 0) };
}

/**
 * @param {string} what
 * @param {unknown} given
 * @param {string[]} names
 */
function known(what, given, names) {
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`${what}s are given as an object, found ${given === null ? "null" : typeof given}`);
  }
  const wrong = Object.keys(given).find((name) => !names.includes(name));
  if (wrong === undefined) return;
  throw new TypeError(`there is no ${what} ${JSON.stringify(wrong)}; there are ${names.join(", ")}`);
}

/**
 * @param {string} name
 * @param {boolean | undefined} value
 * @param {boolean} otherwise
 */
function flag(name, value, otherwise) {
  if (value === undefined) return otherwise;
  if (typeof value !== "boolean") throw new TypeError(`${name} must be true or false, found ${typeof value}`);
  return value;
}

/**
 * @param {string} name
 * @param {number | undefined} value
 * @param {number} otherwise
 * @param {number} least
 */
function number(name, value, otherwise, least) {
  const found = value ?? otherwise;
  if (typeof found === "number" && found >= least && found <= MOST) return found;
  const shown = typeof found === "number" ? found : typeof found;
  throw new TypeError(`${name} must be a number, ${least} or more and at most ${MOST}; found ${shown}`);
}

/** @returns {WebSocketClass} */
function builtIn() {
  if (typeof globalThis.WebSocket === "function") return globalThis.WebSocket;
  throw new TypeError("there is no WebSocket here: use Node 22, or give one as option WebSocket");
}
