/**
 * @typedef {object} ConnectionListener
 * @property {() => void} open the gateway has taken this client
 * @property {(text: string) => void} frame a text message, as it came
 * @property {(error: unknown) => void} failed something failed, and nothing ends by it
 * @property {(end: End) => void} end it is over; nothing comes after it
 */
/**
 * @typedef {object} End
 * @property {number} code 1006 where nobody said why
 * @property {string} reason
 * @property {string | null} token the one that counted last
 * @property {unknown} [error] why there was no connection at all
 */
export class Connection {
    /**
     * @param {() => URL} address asked once the token is there
     * @param {import("./options.js").Settled} options
     * @param {import("./tokens.js").Tokens} tokens
     * @param {ConnectionListener} listener
     */
    constructor(address: () => URL, options: import("./options.js").Settled, tokens: import("./tokens.js").Tokens, listener: ConnectionListener);
    get open(): boolean;
    /** @param {string} text */
    send(text: string): void;
    /** Ask whether the gateway is there. */
    check(): void;
    /** The gateway's answer to a fresh token. @param {boolean} taken */
    refreshed(taken: boolean): void;
    /**
     * Close in good order; the listener hears nothing more.
     *
     * @param {number} code
     * @param {string} reason
     */
    close(code: number, reason: string): void;
    #private;
}
export type ConnectionListener = {
    /**
     * the gateway has taken this client
     */
    open: () => void;
    /**
     * a text message, as it came
     */
    frame: (text: string) => void;
    /**
     * something failed, and nothing ends by it
     */
    failed: (error: unknown) => void;
    /**
     * it is over; nothing comes after it
     */
    end: (end: End) => void;
};
export type End = {
    /**
     * 1006 where nobody said why
     */
    code: number;
    reason: string;
    /**
     * the one that counted last
     */
    token: string | null;
    /**
     * why there was no connection at all
     */
    error?: unknown;
};
