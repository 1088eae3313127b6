// What a gateway's text messages say.

/**
 * @typedef {{kind: "event", payload: any}
 *   | {kind: "pong" | "rate_limited" | "refreshed" | "refresh_failed"}
 *   | {kind: "message", message: any}} Frame
 */

const ANSWERS = new Set(["pong", "rate_limited", "refreshed", "refresh_failed"]);

/**
 * @param {string} text
 * @returns {Frame}
 * @throws {SyntaxError} it is no JSON
 */
export function read(text) {
  const message = JSON.parse(text);
  if (message?.type === "event") return { kind: "event", payload: message.payload };
  return ANSWERS.has(message?.type) ? { kind: message.type } : { kind: "message", message };
}

/**
 * What a message is as text.
 *
 * @param {unknown} message a text as it is; anything else as JSON
 * @returns {string}
 */
export function written(message) {
  if (typeof message === "string") return message;
  if (message instanceof ArrayBuffer || ArrayBuffer.isView(message)) {
    throw new TypeError("a gateway takes text alone: send binary data as text, such as base64");
  }
  const text = JSON.stringify(message);
  if (text === undefined) throw new TypeError(`JSON cannot say a ${typeof message}`);
  return text;
}
