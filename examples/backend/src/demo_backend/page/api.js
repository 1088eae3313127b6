// What the page asks of the backend.

const PATIENCE_MS = 10_000;

/** What the page must know before anybody joins: `{gateways, tokens, events, most_characters}`. */
export function settings() {
  return ask("/demo/chat/settings");
}

/** Who is in the room: `[{user_id, connections}]`. */
export async function people() {
  return (await ask("/demo/chat/people")).people;
}

/** A token for a name: `{token, user_id, expires_in}`. */
export function token(name) {
  return ask("/demo/token", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ user_id: name }),
  });
}

async function ask(path, options = {}) {
  const answer = await fetch(path, { ...options, signal: AbortSignal.timeout(PATIENCE_MS) });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.error ?? `the backend answered ${answer.status}`);
  return body;
}
