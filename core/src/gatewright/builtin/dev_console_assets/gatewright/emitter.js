// Who listens to what.

/**
 * Calls listeners in the order in which they were added. One that throws does not keep the others
 * from hearing: it is told as `error`, and to the page or process where nobody listens to that.
 *
 * @template {Record<string, (...heard: any[]) => void>} Listeners
 */
export class Emitter {
  /** @type {Map<keyof Listeners, Set<Function>>} */
  #listeners;

  /** @param {readonly (keyof Listeners & string)[]} names all that can be listened to */
  constructor(names) {
    this.#listeners = new Map(names.map((name) => [name, new Set()]));
  }

  /**
   * @template {keyof Listeners} Name
   * @param {Name} name
   * @param {Listeners[Name]} listener added once, however often it is given
   * @returns {() => void} takes it off again
   */
  on(name, listener) {
    const those = this.#listeners.get(name);
    if (!those) {
      const known = [...this.#listeners.keys()].join(", ");
      throw new TypeError(`on(): nothing is told as ${JSON.stringify(name)}; there are ${known}`);
    }
    if (typeof listener !== "function") {
      throw new TypeError(`on(${JSON.stringify(name)}, …) needs a function, found ${typeof listener}`);
    }
    those.add(listener);
    return () => void those.delete(listener);
  }

  /**
   * @template {keyof Listeners} Name
   * @param {Name} name
   * @param {Parameters<Listeners[Name]>} heard
   */
  emit(name, ...heard) {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        listener(...heard);
      } catch (error) {
        if (name === "error") report(error);
        else this.fail(error);
      }
    }
  }

  /** @param {unknown} error told to whoever listens to errors, else to the page or process */
  fail(error) {
    if (this.#listeners.get("error")?.size) this.emit("error", .../** @type {any} */ ([error]));
    else report(error);
  }
}

/** @param {unknown} error */
function report(error) {
  if (typeof globalThis.reportError === "function") globalThis.reportError(error);
  else console.error(error);
}
