// Who listens to what.

/**
 * Calls listeners in the order in which they were added. One that throws does not keep the others
 * from hearing.
 *
 * @template {Record<string, (...heard: any[]) => void>} Listeners
 */
export class Emitter {
  /** @type {Map<keyof Listeners, Set<Function>>} */
  #listeners = new Map();
  /** @type {(error: unknown) => void} */
  #failed;

  /** @param {(error: unknown) => void} failed hears what a listener threw */
  constructor(failed) {
    this.#failed = failed;
  }

  /**
   * @template {keyof Listeners} Name
   * @param {Name} name
   * @param {Listeners[Name]} listener added once, however often it is given
   * @returns {() => void} takes it off again
   */
  on(name, listener) {
    if (typeof listener !== "function") {
      throw new TypeError(`on(${JSON.stringify(name)}, …) needs a function, found ${typeof listener}`);
    }
    const those = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, those.add(listener));
    return () => void those.delete(listener);
  }

  /**
   * @template {keyof Listeners} Name
   * @param {Name} name
   * @param {Parameters<Listeners[Name]>} heard
   * @returns {boolean} whether anybody listens
   */
  emit(name, ...heard) {
    const those = this.#listeners.get(name);
    if (!those?.size) return false;
    for (const listener of [...those]) {
      try {
        listener(...heard);
      } catch (error) {
        this.#failed(error);
      }
    }
    return true;
  }
}
