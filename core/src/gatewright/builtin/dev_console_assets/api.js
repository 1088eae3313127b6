// What the page asks of the gateway, and the time between publishing and hearing.

const REMEMBERED = 1000;
const REMEMBERED_MS = 10_000;

async function ask(path, body) {
  const options = body === undefined
    ? {}
    : { method: "POST", headers: { "Content-Type": "application/json" }, body };
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("the gateway does not answer");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error ?? `the gateway answered ${response.status}`);
  return answer;
}

/** A fresh token for a user, and the path of the WebSocket: `{token, path}`. */
export function entry(userId) {
  return ask("/console/token", JSON.stringify({ user_id: userId }));
}

/** Publish; the payload's text goes out exactly as it was written. Resolves to a count. */
export async function publish(subjects, payload) {
  const body = `{"subjects":${JSON.stringify(subjects)},"payload":${payload}}`;
  flights.push({ payload: payload.trim(), at: performance.now(), heard: new WeakSet() });
  if (flights.length > REMEMBERED) flights.shift();
  return (await ask("/console/publish", body)).sent;
}

export async function connections() {
  return ask("/console/connections");
}

const flights = [];

/** How long ago this page published `payload`, in ms, counted once per listener; else null. */
export function flightTime(payload, listener) {
  const now = performance.now();
  while (flights.length && now - flights[0].at > REMEMBERED_MS) flights.shift();
  const flight = flights.find((one) => one.payload === payload && !one.heard.has(listener));
  flight?.heard.add(listener);
  return flight ? now - flight.at : null;
}
