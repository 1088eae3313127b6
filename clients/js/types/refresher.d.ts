export class Refresher {
    /**
     * @param {number | null} beforeMs how long before the end of a token; null: never
     * @param {() => void} due called when it is time
     */
    constructor(beforeMs: number | null, due: () => void);
    /**
     * Wait for the end of this token; of one whose end cannot be told, for ever.
     *
     * @param {string | null} token
     */
    watch(token: string | null): void;
    stop(): void;
    #private;
}
