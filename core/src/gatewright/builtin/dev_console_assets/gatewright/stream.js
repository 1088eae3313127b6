// Events, one by one, for `for await`.

/**
 * @template Item
 * @implements {AsyncIterableIterator<Item>}
 */
export class Stream {
  /** @type {Item[]} */
  #ready = [];
  /** @type {{resolve: (result: IteratorResult<Item>) => void, reject: (error: unknown) => void}[]} */
  #asked = [];
  #limit;
  #left;
  #over = false;
  /** @type {Error | null} */
  #error = null;

  /**
   * @param {number} limit how many may wait
   * @param {() => void} left called once nothing more is wanted
   */
  constructor(limit, left) {
    this.#limit = limit;
    this.#left = left;
  }

  /** @param {Item} value */
  push(value) {
    if (this.#over) return;
    const asked = this.#asked.shift();
    if (asked) asked.resolve({ value, done: false });
    else if (this.#ready.length < this.#limit) this.#ready.push(value);
    else {
      this.#error = new RangeError(`more than ${this.#limit} events wait to be read`);
      this.end();
    }
  }

  end() {
    if (this.#over) return;
    this.#over = true;
    this.#left();
    for (const asked of this.#asked.splice(0)) asked.resolve({ value: undefined, done: true });
  }

  /** @returns {Promise<IteratorResult<Item>>} what is ready first, then the end, or why it ended */
  next() {
    if (this.#ready.length) {
      const value = /** @type {Item} */ (this.#ready.shift());
      return Promise.resolve({ value, done: false });
    }
    if (this.#error) {
      const error = this.#error;
      this.#error = null;
      return Promise.reject(error);
    }
    if (this.#over) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => this.#asked.push({ resolve, reject }));
  }

  /** @returns {Promise<IteratorResult<Item>>} */
  return() {
    this.#ready = [];
    this.end();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator]() {
    return this;
  }
}
