/**
 * @param {string} text
 * @returns {Frame}
 * @throws {Error} it is no JSON, so it comes from something else
 */
export function read(text: string): Frame;
/**
 * What a message is as text.
 *
 * @param {unknown} message a text as it is; anything else as JSON
 * @param {number} maxBytes in UTF-8
 * @returns {string}
 * @throws {TypeError} it is binary, or JSON cannot say it
 * @throws {RangeError} it is too long
 */
export function written(message: unknown, maxBytes: number): string;
export type Frame = {
    kind: "event";
    payload: any;
} | {
    kind: "pong" | "rate_limited" | "refreshed" | "refresh_failed";
} | {
    kind: "message";
    message: any;
};
