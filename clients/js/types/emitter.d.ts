/**
 * Calls listeners in the order in which they were added. One that throws does not keep the others
 * from hearing.
 *
 * @template {Record<string, (...heard: any[]) => void>} Listeners
 */
export class Emitter<Listeners extends Record<string, (...heard: any[]) => void>> {
    /** @param {(error: unknown) => void} failed hears what a listener threw */
    constructor(failed: (error: unknown) => void);
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
     * @returns {boolean} whether anybody listens
     */
    emit<Name extends keyof Listeners>(name: Name, ...heard: Parameters<Listeners[Name]>): boolean;
    #private;
}
