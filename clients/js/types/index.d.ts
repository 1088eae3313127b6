export { afterClose } from "./closing.js";
export { backoff, retryHint } from "./backoff.js";
export { Client, connect } from "./client.js";
