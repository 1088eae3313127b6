/**
 * @param {ClientOptions} given
 * @returns {Settled}
 */
export function settled(given: ClientOptions): Settled;
/**
 * Returns a token. `fresh` is true when the last one was refused or is about to end: then one that
 * was kept must not be given again. `signal` aborts when the token is no longer waited for.
 */
export type TokenProvider = (wanted: {
    fresh: boolean;
    signal: AbortSignal;
}) => string | null | Promise<string | null>;
/**
 * The part of a WebSocket class that is used; browsers and Node 22 have one.
 */
export type WebSocketClass = new (url: string | URL, protocols?: string | string[]) => WebSocket;
export type ClientOptions = {
    /**
     * the token, or what returns one before each
     * connection; null for none
     */
    token?: string | TokenProvider | null | undefined;
    /**
     * where the token goes: into the query as `token`, or
     * into the sub-protocols, which proxies do not write into their logs
     */
    tokenIn?: "query" | "protocol" | undefined;
    /**
     * whether to exchange the token of an open
     * connection before it ends (the gateway's `session.refresh`); 30 seconds before, unless told
     */
    refresh?: boolean | {
        beforeSeconds?: number;
    } | undefined;
    /**
     * whether to come back by itself; true
     */
    reconnect?: boolean | undefined;
    /**
     * the longest first pause
     * between attempts, the longest of all, and how long a connection must hold until the pauses are
     * short again: 1,000, 30,000 and 5,000
     */
    backoff?: {
        minMs?: number;
        maxMs?: number;
        heldMs?: number;
    } | undefined;
    /**
     * what a connection may take to open, its token included: 15,000
     */
    connectMs?: number | undefined;
    /**
     * after how long a silence the gateway is asked whether it is there:
     * 25,000; 0: never, and a connection counts as open before the gateway has judged its token
     */
    pingMs?: number | undefined;
    /**
     * what its answer may take: 10,000
     */
    pongMs?: number | undefined;
    /**
     * the gateway's `limits.message_bytes`, 1,048,576: what is longer
     * is not sent, because the gateway would close the connection
     */
    maxMessageBytes?: number | undefined;
    /**
     * how many messages are kept while there is no connection: 0
     */
    queue?: number | undefined;
    /**
     * whether a page that is out of sight waits with coming back
     * until it is seen; true
     */
    pauseWhenHidden?: boolean | undefined;
    /**
     * close codes after which it does not come back: 4403
     */
    stayAway?: readonly number[] | undefined;
    /**
     * another class than the built-in one
     */
    WebSocket?: WebSocketClass | undefined;
};
export type Settled = {
    token: string | TokenProvider | null;
    tokenIn: "query" | "protocol";
    refreshBeforeMs: number | null;
    reconnect: boolean;
    backoff: {
        minMs: number;
        maxMs: number;
        heldMs: number;
    };
    connectMs: number;
    pingMs: number;
    pongMs: number;
    maxMessageBytes: number;
    queue: number;
    pauseWhenHidden: boolean;
    stayAway: readonly number[];
    WebSocket: WebSocketClass;
};
