// A client of gatewright gateways. Everything public is exported here; publishing, which needs a key
// that no browser may have, is in publish.js.

export { backoff, retryHint } from "./backoff.js";
export { Client, connect } from "./client.js";
export { afterClose, closeCodes } from "./closing.js";

/** @typedef {import("./client.js").Closed} Closed */
/** @typedef {import("./client.js").State} State */
/** @typedef {import("./closing.js").AfterClose} AfterClose */
/** @typedef {import("./options.js").ClientOptions} ClientOptions */
/** @typedef {import("./options.js").TokenProvider} TokenProvider */
