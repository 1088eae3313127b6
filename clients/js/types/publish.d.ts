/**
 * Publish to whoever hears the subjects.
 *
 * @param {{url: string | URL, apiKey: string, timeoutMs?: number, fetch?: typeof fetch}} gateway
 *   `url` is the gateway's address, such as `http://gateway:8000`
 * @param {string | readonly string[]} subjects
 * @param {unknown} payload anything that JSON can say
 * @param {{id?: string}} [options] `id`: the same for each attempt of the same message
 * @returns {Promise<{sent: number}>} how many connections match
 * @throws {PublishError} it was refused, or not answered
 * @throws {TypeError} misuse, told before anything is sent
 */
export function publish(gateway: {
    url: string | URL;
    apiKey: string;
    timeoutMs?: number;
    fetch?: typeof fetch;
}, subjects: string | readonly string[], payload: unknown, options?: {
    id?: string;
}): Promise<{
    sent: number;
}>;
/** What a gateway did not take, or did not answer. */
export class PublishError extends Error {
    /**
     * @param {string} message
     * @param {number | null} status of the answer; null where there was none
     */
    constructor(message: string, status: number | null);
    /** The status of the answer; null where there was none. */
    status: number | null;
    /** Whether the same call may work later; with an `id`, repeating it is safe. */
    mayRetry: boolean;
}
