/**
 * @param {string} text
 * @returns {Frame}
 * @throws {SyntaxError} it is no JSON
 */
export function read(text: string): Frame;
/**
 * What a message is as text.
 *
 * @param {unknown} message a text as it is; anything else as JSON
 * @returns {string}
 */
export function written(message: unknown): string;
export type Frame = {
    kind: "event";
    payload: any;
} | {
    kind: "pong" | "rate_limited" | "refreshed" | "refresh_failed";
} | {
    kind: "message";
    message: any;
};
