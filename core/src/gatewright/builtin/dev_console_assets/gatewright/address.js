// Where the gateway is.

const SCHEMES = new Map([
  ["http:", "ws:"],
  ["https:", "wss:"],
]);

/**
 * The address of a WebSocket. What is relative, such as `/ws`, belongs to the page's own host.
 *
 * @param {string | URL} given `ws`, `wss`, `http` or `https`
 * @returns {URL}
 */
export function socketAddress(given) {
  const url = parsed(given);
  url.protocol = SCHEMES.get(url.protocol) ?? url.protocol;
  if (url.protocol !== "ws:" && url.protocol !== "wss:") {
    throw new TypeError(`the address must begin with ws:// or wss://, found ${url.protocol}//`);
  }
  url.hash = "";
  return url;
}

/** @param {string | URL} given */
function parsed(given) {
  try {
    return new URL(given, globalThis.location?.href);
  } catch {
    throw new TypeError("the address is no URL: give one such as wss://example.com/ws");
  }
}
