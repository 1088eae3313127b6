/**
 * Tell what to do after a connection was closed by the other side, or broke.
 *
 * @param {number} code 1005 and 1006 where there was none
 * @param {readonly number[]} [stayAway] codes after which this client does not come back
 * @returns {AfterClose}
 */
export function afterClose(code: number, stayAway?: readonly number[]): AfterClose;
/**
 * - `retry`: come back after a pause that grows
 * - `later`: come back, but not within a minute
 * - `token`: come back with another token, or not at all
 * - `stop`: do not come back
 */
export type AfterClose = "retry" | "later" | "token" | "stop";
