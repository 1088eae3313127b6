/** @implements {AsyncIterableIterator<any>} */
export class Stream implements AsyncIterableIterator<any> {
    /**
     * @param {number} limit how many may wait
     * @param {() => void} left called once nothing more is wanted
     */
    constructor(limit: number, left: () => void);
    /** @param {any} value */
    push(value: any): void;
    end(): void;
    /** @returns {Promise<IteratorResult<any>>} what is ready first, then the end, or why it ended */
    next(): Promise<IteratorResult<any>>;
    /** @returns {Promise<IteratorResult<any>>} */
    return(): Promise<IteratorResult<any>>;
    [Symbol.asyncIterator](): this;
    #private;
}
