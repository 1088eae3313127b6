/**
 * The pause before an attempt, with full jitter: anything between nothing and a bound that doubles
 * with each failure ("full jitter" in AWS's article about exponential backoff), so that clients who
 * lost their gateway together do not come back together.
 *
 * @param {number} failures attempts that failed since the last connection that held, from 0
 * @param {{minMs: number, maxMs: number}} bounds the bound for the first attempt, and the highest
 * @param {() => number} [random] from 0 to 1
 * @returns {number} milliseconds
 */
export function backoff(failures: number, { minMs, maxMs }: {
    minMs: number;
    maxMs: number;
}, random?: () => number): number;
/**
 * When a gateway that stops wants its client back.
 *
 * @param {string} reason of the close frame
 * @returns {number | null} milliseconds, at most ten minutes, or null where it does not say
 */
export function retryHint(reason: string): number | null;
/**
 * The pause that a hint asks for, and a little more.
 *
 * @param {number} hintMs
 * @param {() => number} [random] from 0 to 1
 * @returns {number} milliseconds, at least `hintMs`
 */
export function afterHint(hintMs: number, random?: () => number): number;
