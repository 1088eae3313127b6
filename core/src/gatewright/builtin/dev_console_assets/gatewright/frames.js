// What a gateway's text messages say.

/**
 * @typedef {{kind: "event", payload: any}
 *   | {kind: "pong" | "rate_limited" | "refreshed" | "refresh_failed"}
 *   | {kind: "message", message: any}} Frame
 */

/** The most bytes that one UTF-16 code unit can become in UTF-8. */
const WIDEST = 3;

const ANSWERS = new Set(["pong", "rate_limited", "refreshed", "refresh_failed"]);

/**
 * @param {string} text
 * @returns {Frame}
 * @throws {Error} it is no JSON, so it comes from something else
 */
export function read(text) {
  const message = parsed(text);
  if (message?.type === "event") return { kind: "event", payload: message.payload };
  return ANSWERS.has(message?.type) ? { kind: message.type } : { kind: "message", message };
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("what answers sends no JSON: is this a gateway's address?");
  }
}

/**
 * What a message is as text.
 *
 * @param {unknown} message a text as it is; anything else as JSON
 * @param {number} maxBytes in UTF-8
 * @returns {string}
 * @throws {TypeError} it is binary, or JSON cannot say it
 * @throws {RangeError} it is too long
 */
export function written(message, maxBytes) {
  const text = typeof message === "string" ? message : asJson(message);
  const bytes = text.length * WIDEST > maxBytes ? new TextEncoder().encode(text).length : 0;
  if (bytes > maxBytes) {
    throw new RangeError(`a message of ${bytes} bytes, and the gateway takes ${maxBytes}: send less at once`);
  }
  return text;
}

/** @param {unknown} message */
function asJson(message) {
  if (message instanceof ArrayBuffer || ArrayBuffer.isView(message)) {
    throw new TypeError("a gateway takes text alone: send binary data as text, such as base64");
  }
  const text = JSON.stringify(message);
  if (text === undefined) throw new TypeError(`JSON cannot say a ${typeof message}`);
  return text;
}
