// The console page: opens clients, and wires the other parts together.

import { Client } from "./client.js";
import { startCounters } from "./counters.js";
import { byId } from "./dom.js";
import { startEvents } from "./events.js";
import { refreshPeople, startPeople } from "./people.js";
import { startPublishing } from "./publish.js";

const MOST_CLIENTS = 16;

const clients = new Set();

function connect(userId) {
  const note = byId("connect-note");
  if (clients.size >= MOST_CLIENTS) {
    note.textContent = `This page holds ${MOST_CLIENTS} clients; remove one first.`;
    return;
  }
  note.textContent = "";
  const client = new Client(userId, forget);
  clients.add(client);
  byId("no-clients").hidden = true;
  byId("cards").append(client.card);
  client.connect();
}

function forget(client) {
  clients.delete(client);
  byId("connect-note").textContent = "";
  byId("no-clients").hidden = clients.size > 0;
  byId("user-id").focus();
}

/** After 42 the next is likely to be 43. */
function suggestNext(input) {
  if (/^\d{1,15}$/.test(input.value)) input.value = String(Number(input.value) + 1);
  input.select();
}

byId("connect").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = byId("user-id");
  connect(input.value);
  suggestNext(input);
});
byId("connect-two").addEventListener("click", () => {
  connect("42");
  connect("43");
  byId("user-id").value = "44";
});

startPublishing();
startPeople();
startEvents(refreshPeople, startCounters());
