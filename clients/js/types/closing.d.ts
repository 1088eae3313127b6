/**
 * Check how a client wants to close; browsers allow no other codes.
 *
 * @param {number} code
 * @param {string} reason
 * @throws {RangeError} the code is not the client's to send, or the reason is too long
 */
export function checkClose(code: number, reason: string): void;
/**
 * Tell what to do after a connection was closed by the other side, or broke.
 *
 * @param {number} code 1005 and 1006 where there was none
 * @param {readonly number[]} [stayAway] codes after which this client does not come back
 * @returns {AfterClose} for a code that is not known, `retry`
 */
export function afterClose(code: number, stayAway?: readonly number[]): AfterClose;
/**
 * - `retry`: come back after a pause that grows
 * - `later`: come back, but not within a minute
 * - `token`: come back with another token, or not at all
 * - `stop`: do not come back
 *
 * @typedef {"retry" | "later" | "token" | "stop"} AfterClose
 */
/**
 * What to do after each code that a gateway sends, or that stands for a lost connection.
 *
 * @type {ReadonlyMap<number, AfterClose>}
 */
export const closeCodes: ReadonlyMap<number, AfterClose>;
/**
 * - `retry`: come back after a pause that grows
 * - `later`: come back, but not within a minute
 * - `token`: come back with another token, or not at all
 * - `stop`: do not come back
 */
export type AfterClose = "retry" | "later" | "token" | "stop";
