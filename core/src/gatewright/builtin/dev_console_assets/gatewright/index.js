// A client of gatewright gateways. Everything public is exported here; publishing, which needs a key
// that no browser may have, is in publish.js.

export { backoff, retryHint } from "./backoff.js";
export { Client, connect } from "./client.js";
export { afterClose } from "./closing.js";
