export type Closed = import("./client.js").Closed;
export type State = import("./client.js").State;
export type AfterClose = import("./closing.js").AfterClose;
export type ClientOptions = import("./options.js").ClientOptions;
export type TokenProvider = import("./options.js").TokenProvider;
export { backoff, retryHint } from "./backoff.js";
export { Client, connect } from "./client.js";
export { afterClose, closeCodes } from "./closing.js";
