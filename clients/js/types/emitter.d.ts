/**
 * Calls listeners in the order in which they were added. One that throws does not keep the others
 * from hearing: it is told as `error`, and to the page or process where nobody listens to that.
 *
 * @template {Record<string, (...heard: any[]) => void>} Listeners
 */
export class Emitter<Listeners extends Record<string, (...heard: any[]) => void>> {
    /** @param {readonly (keyof Listeners & string)[]} names all that can be listened to */
    constructor(names: readonly (keyof Listeners & string)[]);
    /**
     * @template {keyof Listeners} Name
     * @param {Name} name
     * @param {Listeners[Name]} listener added once, however often it is given
     * @returns {() => void} takes it off again
     */
    on<Name extends keyof Listeners>(name: Name, listener: Listeners[Name]): () => void;
    /**
     * @template {keyof Listeners} Name
     * @param {Name} name
     * @param {Parameters<Listeners[Name]>} heard
     */
    emit<Name extends keyof Listeners>(name: Name, ...heard: Parameters<Listeners[Name]>): void;
    /** @param {unknown} error told to whoever listens to errors, else to the page or process */
    fail(error: unknown): void;
    #private;
}
