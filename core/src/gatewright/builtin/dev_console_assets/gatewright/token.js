// What a client may know of its token: when it ends. Nothing here verifies one.

/**
 * When a JSON Web Token expires, by its `exp` claim (RFC 7519, section 4.1.4).
 *
 * @param {string} token
 * @returns {number | null} milliseconds since 1970; null where it cannot be told
 */
export function expiryOf(token) {
  try {
    const claims = JSON.parse(decoded(token.split(".")[1] ?? ""));
    return typeof claims.exp === "number" && Number.isFinite(claims.exp) ? claims.exp * 1000 : null;
  } catch {
    return null;
  }
}

/** @param {string} text base64url, without padding */
function decoded(text) {
  const bytes = Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) =>
    each.charCodeAt(0),
  );
  return new TextDecoder().decode(bytes);
}
