// Publishing over HTTP, for backends that run on Node. It needs one of the gateway's API keys: with
// it anybody may send anything to every client, so it must never be part of a page.

/** What a gateway did not take, or did not answer. */
export class PublishError extends Error {
  /** @override */
  name = "PublishError";

  /**
   * @param {string} message
   * @param {number | null} status of the answer; null where there was none
   */
  constructor(message, status) {
    super(message);
    /** The status of the answer; null where there was none. */
    this.status = status;
    /** Whether the same call may work later; with an `id`, repeating it is safe. */
    this.mayRetry = status === null || [408, 425, 429].includes(status) || status >= 500;
  }
}

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
export async function publish(gateway, subjects, payload, options = {}) {
  if ("document" in globalThis) {
    throw new TypeError("publish() needs an API key, which must not be in a page: call your backend");
  }
  const { url, apiKey, timeoutMs = 5000, fetch: ask = globalThis.fetch } = gateway;
  const names = typeof subjects === "string" ? [subjects] : subjects;
  const endpoint = checked(url, apiKey, names);
  const body = JSON.stringify({
    subjects: names,
    payload: payload ?? null,
    ...options,
  });
  const answer = await answered(ask, endpoint, {
    method: "POST",
    headers: { "X-Api-Key": apiKey, "Content-Type": "application/json" },
    redirect: "manual",
    signal: AbortSignal.timeout(timeoutMs),
    body,
  });
  return { sent: answer.sent };
}

/**
 * The address to publish to.
 *
 * @param {string | URL} url
 * @param {unknown} apiKey
 * @param {unknown} subjects
 */
function checked(url, apiKey, subjects) {
  if (typeof apiKey !== "string" || !/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new TypeError("apiKey must be a text of visible ASCII characters: one of the gateway's api_keys");
  }
  if (!Array.isArray(subjects) || !subjects.every((each) => typeof each === "string")) {
    throw new TypeError('subjects must be a text or an array of texts, such as ["user:42"]');
  }
  try {
    return new URL("/internal/publish", url);
  } catch {
    throw new TypeError("url must be an address such as http://gateway:8000");
  }
}

/**
 * @param {typeof fetch} ask
 * @param {URL} url
 * @param {RequestInit} request
 */
async function answered(ask, url, request) {
  let response, text;
  try {
    response = await ask(url, request);
    text = await response.text();
  } catch (error) {
    const late = error instanceof DOMException && error.name === "TimeoutError";
    throw new PublishError(`${url.host} ${late ? "did not answer in time" : "does not answer"}`, null);
  }
  const document = json(text);
  if (response.status !== 200 || typeof document?.sent !== "number") {
    const said = typeof document?.error === "string" ? `: ${document.error}` : "";
    throw new PublishError(`${url.host} answered ${response.status}${said}`, response.status);
  }
  return document;
}

/** @param {string} text */
function json(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
