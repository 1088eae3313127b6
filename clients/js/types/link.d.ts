export class Link {
    /**
     * @param {() => WebSocket} open begins the handshake
     * @param {{pingMs: number, pongMs: number}} times
     * @param {LinkListener} listener
     */
    constructor(open: () => WebSocket, times: {
        pingMs: number;
        pongMs: number;
    }, listener: LinkListener);
    /** Whether something can be sent now: not while it is being closed. */
    get open(): boolean;
    /** @param {string} text */
    send(text: string): void;
    /** Ask whether the gateway is there, soon after something that may have broken the connection. */
    check(): void;
    /**
     * Close in good order; the listener hears nothing more.
     *
     * @param {number} code
     * @param {string} reason
     */
    close(code: number, reason: string): void;
    /** End it now, as 1006. Where nobody answers, a close frame would not be answered either. */
    abandon(): void;
    #private;
}
/**
 * What the gateway may send beside events; all that is none of these is a message.
 */
export type LinkListener = {
    /**
     * the gateway has taken this client
     */
    open: () => void;
    /**
     * a text message, as it came
     */
    frame: (text: string) => void;
    /**
     * it is over; 1006 where nobody said why
     */
    end: (code: number, reason: string) => void;
};
