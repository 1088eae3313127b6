/** @typedef {import("./options.js").TokenProvider} TokenProvider */
/** There is no other token: coming back would not help. */
export class NoOtherToken extends Error {
}
export class Tokens {
    /** @param {string | TokenProvider | null} given */
    constructor(given: string | TokenProvider | null);
    /**
     * The token for the next connection; null for none.
     *
     * @param {AbortSignal} signal ends the waiting for it
     * @returns {Promise<string | null>}
     * @throws {NoOtherToken} the provider gives the refused one again
     */
    take(signal: AbortSignal): Promise<string | null>;
    /**
     * A token to exchange for the one in use.
     *
     * @param {AbortSignal} signal
     */
    fresh(signal: AbortSignal): Promise<string | null>;
    /** The gateway has taken the token. */
    accepted(): void;
    /**
     * The gateway has refused a token, or it has ended.
     *
     * @param {string | null} token
     * @throws {NoOtherToken} a fresh one was refused, too, or there is nobody to ask for one
     */
    refuse(token: string | null): void;
    /** Begin anew: what was refused may have become good. */
    forgive(): void;
    #private;
}
export type TokenProvider = import("./options.js").TokenProvider;
