/**
 * The address of a WebSocket. What is relative, such as `/ws`, belongs to the page's own host.
 *
 * @param {string | URL} given `ws`, `wss`, `http` or `https`
 * @returns {URL}
 */
export function socketAddress(given: string | URL): URL;
