// Who is connected to the gateway, asked again whenever somebody comes or goes.

import { connections } from "./api.js";
import { avatar, byId, el } from "./dom.js";
import { choose, offer } from "./publish.js";

const AGAIN_MS = 4000;
const SETTLE_MS = 200;

let timer = 0;
let shown = "";

/** Ask again in a moment; many calls become one. */
export function refreshPeople() {
  schedule(SETTLE_MS);
}

/** Ask now, and from then on every few seconds. */
export function startPeople() {
  schedule(0);
}

function schedule(milliseconds) {
  clearTimeout(timer);
  timer = setTimeout(refresh, milliseconds);
}

async function refresh() {
  try {
    if (!document.hidden) show(await connections());
  } catch {
    // The stream of events tells that the gateway is away; the list keeps what it knew.
  }
  schedule(AGAIN_MS);
}

function show({ connections: people, more }) {
  byId("people-count").textContent = people.length + (more ? "+" : "");
  byId("nobody").hidden = people.length > 0;
  const sorted = [...people].sort((a, b) => a.connected_at - b.connected_at);
  const state = JSON.stringify(sorted);
  if (state === shown) return; // focus stays where it is
  shown = state;
  byId("people-list").replaceChildren(...sorted.map(person));
  offer([...new Set(people.flatMap((one) => one.subjects))]);
}

function person({ connection_id: id, user_id: userId, subjects, connected_at: at }) {
  const since = new Date(at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return el("li", {},
    avatar(userId),
    el("div", { class: "who" },
      el("span", { class: "name", title: userId }, userId),
      el("span", { class: "hint" }, `${id.slice(0, 8)} · since ${since}`)),
    el("div", { class: "their" }, ...subjects.map((subject) =>
      el("button", {
        type: "button", class: "chip ghost", title: `Publish to ${subject}`,
        "aria-label": `Add subject ${subject}`, click: () => choose(subject),
      }, subject))));
}
