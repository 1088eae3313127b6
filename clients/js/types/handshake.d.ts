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
export function openSocket(WebSocket: import("./options.js").WebSocketClass, url: URL, token: string | null, tokenIn: "query" | "protocol"): WebSocket;
