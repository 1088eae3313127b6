/**
 * When a JSON Web Token expires, by its `exp` claim (RFC 7519, section 4.1.4).
 *
 * @param {string} token
 * @returns {number | null} milliseconds since 1970; null where it cannot be told
 */
export function expiryOf(token: string): number | null;
