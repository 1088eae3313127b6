// What a client can be told, with its defaults.

/**
 * Returns a token. `fresh` is true when the last one was refused or is about to end: then one that
 * was kept must not be given again.
 *
 * @typedef {(wanted: {fresh: boolean}) => string | null | Promise<string | null>} TokenProvider
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
 * @property {{minMs?: number, maxMs?: number}} [backoff] bounds of the pauses between attempts:
 *   1,000 and 30,000
 * @property {number} [connectMs] what opening a connection may take: 15,000
 * @property {number} [pingMs] after how long a silence the gateway is asked whether it is there:
 *   25,000; 0: never, and a connection counts as open before the gateway has judged its token
 * @property {number} [pongMs] what its answer may take: 10,000
 * @property {number} [queue] how many messages are kept while there is no connection: 0
 * @property {boolean} [pauseWhenHidden] whether a page that is out of sight waits with coming back
 *   until it is seen; true
 * @property {readonly number[]} [stayAway] close codes after which it does not come back: 4403
 * @property {WebSocketClass} [WebSocket] another class than the built-in one
 */

/**
 * @typedef {object} Settled
 * @property {TokenProvider} token
 * @property {"query" | "protocol"} tokenIn
 * @property {number | null} refreshBeforeMs
 * @property {boolean} reconnect
 * @property {{minMs: number, maxMs: number}} backoff
 * @property {number} connectMs
 * @property {number} pingMs
 * @property {number} pongMs
 * @property {number} queue
 * @property {boolean} pauseWhenHidden
 * @property {readonly number[]} stayAway
 * @property {WebSocketClass} WebSocket
 */

const KNOWN = new Set([
  ...["token", "tokenIn", "refresh", "reconnect", "backoff", "connectMs", "pingMs", "pongMs"],
  ...["queue", "pauseWhenHidden", "stayAway", "WebSocket"],
]);

/**
 * @param {ClientOptions} given
 * @returns {Settled}
 */
export function settled(given) {
  for (const name of Object.keys(given)) {
    if (!KNOWN.has(name)) throw new TypeError(`there is no option ${JSON.stringify(name)}`);
  }
  const { tokenIn = "query", backoff = {}, stayAway = [4403] } = given;
  if (tokenIn !== "query" && tokenIn !== "protocol") {
    throw new TypeError(`tokenIn must be "query" or "protocol"`);
  }
  return {
    token: provider(given.token ?? null),
    tokenIn,
    refreshBeforeMs: refreshBefore(given.refresh ?? false),
    reconnect: given.reconnect ?? true,
    backoff: {
      minMs: number("backoff.minMs", backoff.minMs, 1000, 1),
      maxMs: number("backoff.maxMs", backoff.maxMs, 30_000, 1),
    },
    connectMs: number("connectMs", given.connectMs, 15_000, 1),
    pingMs: number("pingMs", given.pingMs, 25_000, 0),
    pongMs: number("pongMs", given.pongMs, 10_000, 1),
    queue: number("queue", given.queue, 0, 0),
    pauseWhenHidden: given.pauseWhenHidden ?? true,
    stayAway,
    WebSocket: given.WebSocket ?? builtIn(),
  };
}

/** @param {string | TokenProvider | null} token */
function provider(token) {
  if (typeof token === "function") return token;
  if (token === null || typeof token === "string") return () => token;
  throw new TypeError("token must be a text, or a function that returns one");
}

/** @param {boolean | {beforeSeconds?: number}} refresh */
function refreshBefore(refresh) {
  if (refresh === false) return null;
  const { beforeSeconds } = refresh === true ? { beforeSeconds: undefined } : refresh;
  return number("refresh.beforeSeconds", beforeSeconds, 30, 0) * 1000;
}

/**
 * @param {string} name
 * @param {number | undefined} value
 * @param {number} otherwise
 * @param {number} least
 */
function number(name, value, otherwise, least) {
  const found = value ?? otherwise;
  if (typeof found !== "number" || !(found >= least) || found === Infinity) {
    throw new TypeError(`${name} must be a number, ${least} or more`);
  }
  return found;
}

/** @returns {WebSocketClass} */
function builtIn() {
  if (typeof globalThis.WebSocket === "function") return globalThis.WebSocket;
  throw new TypeError("there is no WebSocket here: use Node 22, or give one as option WebSocket");
}
