// How a token is shown when a WebSocket is opened.

const SUB_PROTOCOL = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/; // a token of RFC 9110, section 5.6.2

/**
 * Open a WebSocket.
 *
 * @param {import("./options.js").WebSocketClass} WebSocket
 * @param {URL} url
 * @param {string | null} token
 * @param {"query" | "protocol"} tokenIn
 * @returns {WebSocket}
 * @throws {Error} it cannot be opened; the text never has the token
 */
export function openSocket(WebSocket, url, token, tokenIn) {
  const shown = new URL(url);
  if (token !== null && tokenIn === "query") shown.searchParams.set("token", token);
  const asProtocol = token !== null && tokenIn === "protocol";
  if (asProtocol && !SUB_PROTOCOL.test(token)) {
    throw new TypeError('this token cannot be a sub-protocol: use tokenIn "query"');
  }
  try {
    return asProtocol ? new WebSocket(shown.href, ["bearer", token]) : new WebSocket(shown.href);
  } catch {
    // What the runtime says may have the whole address in it.
    throw new Error(`no WebSocket can be opened at ${url.origin}${url.pathname}: does this page allow it?`);
  }
}
