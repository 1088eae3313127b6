/**
 * @typedef {object} RefreshParts
 * @property {number} beforeMs how long before the end of a token
 * @property {(signal: AbortSignal) => Promise<string | null>} fresh gives another token
 * @property {(text: string) => void} send
 * @property {(error: unknown) => void} failed
 */
/** Keeps the token of one connection fresh, until it is stopped. */
export class Refresh {
    /**
     * @param {string} token the one that the gateway has taken; one whose end cannot be told is kept for ever
     * @param {RefreshParts} parts
     */
    constructor(token: string, parts: RefreshParts);
    /** The token that counts. */
    get token(): string;
    /** The gateway has taken the fresh token. */
    taken(): void;
    /** The gateway has refused it: the old one counts until its end. */
    refused(): void;
    stop(): void;
    #private;
}
export type RefreshParts = {
    /**
     * how long before the end of a token
     */
    beforeMs: number;
    /**
     * gives another token
     */
    fresh: (signal: AbortSignal) => Promise<string | null>;
    send: (text: string) => void;
    failed: (error: unknown) => void;
};
