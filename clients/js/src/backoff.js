// How long to wait before the next attempt.

/** However long a hint is, nobody stays away longer. */
const LONGEST_HINT_MS = 600_000;

/** What a gateway writes into the reason of a 1012: when to come back, in milliseconds. */
const HINT = /^retry=(\d{1,9})$/;

/** How much longer than the hint a client may wait: the gateway has spread its hints already. */
const HINT_SPREAD = 0.1;

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
export function backoff(failures, { minMs, maxMs }, random = Math.random) {
  return random() * Math.min(maxMs, minMs * 2 ** Math.min(failures, 30));
}

/**
 * When a gateway that stops wants its client back.
 *
 * @param {string} reason of the close frame
 * @returns {number | null} milliseconds, at most ten minutes, or null where it does not say
 */
export function retryHint(reason) {
  const found = HINT.exec(reason);
  return found ? Math.min(Number(found[1]), LONGEST_HINT_MS) : null;
}

/**
 * The pause that a hint asks for, and a little more.
 *
 * @param {number} hintMs
 * @param {() => number} [random] from 0 to 1
 * @returns {number} milliseconds, at least `hintMs`
 */
export function afterHint(hintMs, random = Math.random) {
  return hintMs * (1 + HINT_SPREAD * random());
}
