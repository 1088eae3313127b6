/**
 * When a JSON Web Token was issued and when it ends, by its claims `iat` and `exp` (RFC 7519,
 * sections 4.1.6 and 4.1.4).
 *
 * @param {string} token
 * @returns {{issued: number | null, ends: number | null}} milliseconds since 1970; null where it does not say
 */
export function timesOf(token: string): {
    issued: number | null;
    ends: number | null;
};
/**
 * How long a token that a gateway has just taken is good for.
 *
 * The clock here may be wrong: such a token is not over, and has no more than its whole life
 * before it.
 *
 * @param {string} token
 * @param {number} now milliseconds since 1970
 * @returns {number | null} milliseconds; null where it cannot be told
 */
export function timeLeft(token: string, now: number): number | null;
