// What a client may know of its token: when it ends. Nothing here verifies one.

/**
 * When a JSON Web Token was issued and when it ends, by its claims `iat` and `exp` (RFC 7519,
 * sections 4.1.6 and 4.1.4).
 *
 * @param {string} token
 * @returns {{issued: number | null, ends: number | null}} milliseconds since 1970; null where it does not say
 */
export function timesOf(token) {
  const { iat, exp } = claims(token);
  return { issued: milliseconds(iat), ends: milliseconds(exp) };
}

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
export function timeLeft(token, now) {
  const { issued, ends } = timesOf(token);
  if (ends === null) return null;
  const left = ends - now;
  if (issued === null || issued >= ends) return Math.max(0, left);
  return left > 0 ? Math.min(left, ends - issued) : ends - issued;
}

/** @param {unknown} seconds */
function milliseconds(seconds) {
  return typeof seconds === "number" && Number.isFinite(seconds) ? seconds * 1000 : null;
}

/**
 * @param {string} token
 * @returns {{exp?: unknown, iat?: unknown}}
 */
function claims(token) {
  try {
    return JSON.parse(decoded(token.split(".")[1] ?? "")) ?? {};
  } catch {
    return {};
  }
}

/** @param {string} text base64url, without padding */
function decoded(text) {
  const bytes = Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) =>
    each.charCodeAt(0),
  );
  return new TextDecoder().decode(bytes);
}
