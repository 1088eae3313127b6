/**
 * Connect to a gateway. Listeners that are added before the next turn of the event loop hear all.
 *
 * @template [Payload=any] what backends publish; it is not checked
 * @param {string | URL | (() => string | URL)} address of the WebSocket; `/ws` is the page's host; a
 *   function is asked before each attempt
 * @param {ClientOptions} [options]
 * @returns {Client<Payload>}
 * @throws {TypeError} the address or an option is wrong; the text says which, and what would be right
 */
export function connect<Payload = any>(address: string | URL | (() => string | URL), options?: ClientOptions): Client<Payload>;
/** @template [Payload=any] what backends publish */
export class Client<Payload = any> {
    /**
     * @param {string | URL | (() => string | URL)} address
     * @param {ClientOptions} [options]
     */
    constructor(address: string | URL | (() => string | URL), options?: ClientOptions);
    /** @returns {State} */
    get state(): State;
    /**
     * Add a listener.
     *
     * @template {keyof Listeners<Payload>} Name
     * @param {Name} name
     * @param {Listeners<Payload>[Name]} listener
     * @returns {() => void} takes it off again
     */
    on<Name extends keyof Listeners<Payload>>(name: Name, listener: Listeners<Payload>[Name]): () => void;
    /** Begin, or begin again; where a connection is there or under way, nothing. */
    connect(): void;
    /**
     * End it, for good; messages that wait for a connection are dropped.
     *
     * @param {number} [code] 1000, or 3000 to 4999
     * @param {string} [reason] at most 123 bytes
     * @throws {RangeError} another code, or a longer reason; nothing is closed then
     */
    close(code?: number, reason?: string): void;
    /**
     * Send a message: an event `message_received` for the backend.
     *
     * @param {unknown} message a text as it is; anything else as JSON
     * @returns {boolean} whether it was sent, or is kept until there is a connection (`queue`). What
     *   was sent may be lost with the connection all the same: only an answer of the backend tells.
     * @throws {TypeError} it is binary, or JSON cannot say it
     * @throws {RangeError} it is longer than `maxMessageBytes`
     */
    send(message: unknown): boolean;
    /**
     * Wait for the connection.
     *
     * @returns {Promise<void>} settles when it is open; rejects when this client gives up
     */
    opened(): Promise<void>;
    /**
     * Hear events one by one: `for await (const payload of client.events())`. It ends with the client,
     * and at once where that is not connected nor about to be.
     *
     * @param {{limit?: number}} [options] how many may wait to be read, 1,000; with more, the loop throws
     * @returns {AsyncIterableIterator<Payload>}
     * @throws {TypeError} `limit` is no whole number above 0
     */
    events({ limit }?: {
        limit?: number;
    }): AsyncIterableIterator<Payload>;
    #private;
}
export type ClientOptions = import("./options.js").ClientOptions;
/**
 * - `connecting`: an attempt is under way
 * - `open`: the gateway has taken this client
 * - `waiting`: for the next attempt
 * - `refused`: the token is no good, and there is no other; `connect()` tries again
 * - `closed`: by `close()`, or because the gateway said so; `connect()` tries again
 */
export type State = "connecting" | "open" | "waiting" | "refused" | "closed";
/**
 * The end of one connection, or of an attempt.
 */
export type Closed = {
    /**
     * 1006 where nobody said why
     */
    code: number;
    reason: string;
    /**
     * when it is tried again, in milliseconds; null: it is not
     */
    retryMs: number | null;
};
export type Listeners<Payload = any> = {
    /**
     * something was published to this client
     */
    event: (payload: Payload) => void;
    /**
     * the gateway has taken this client: fetch what was missed
     */
    open: () => void;
    /**
     * a connection or an attempt has ended
     */
    close: (closed: Closed) => void;
    /**
     * it has changed
     */
    state: (state: State) => void;
    /**
     * a message was too much, and was dropped by the gateway
     */
    rate_limited: () => void;
    /**
     * the gateway sent something else
     */
    message: (message: any) => void;
    /**
     * any text message, as it came, before it is looked into
     */
    frame: (text: string) => void;
    /**
     * something failed: the token provider, a listener, a refresh
     */
    error: (error: unknown) => void;
};
