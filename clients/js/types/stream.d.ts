/**
 * @template Item
 * @implements {AsyncIterableIterator<Item>}
 */
export class Stream<Item> implements AsyncIterableIterator<Item> {
    /**
     * @param {number} limit how many may wait
     * @param {() => void} left called once nothing more is wanted
     */
    constructor(limit: number, left: () => void);
    /** @param {Item} value */
    push(value: Item): void;
    end(): void;
    /** @returns {Promise<IteratorResult<Item>>} what is ready first, then the end, or why it ended */
    next(): Promise<IteratorResult<Item>>;
    /** @returns {Promise<IteratorResult<Item>>} */
    return(): Promise<IteratorResult<Item>>;
    [Symbol.asyncIterator](): this;
    #private;
}
