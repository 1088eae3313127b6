// The console page: opens clients, and wires the other parts together.

import { Card } from "./card.js";
import { startCounters } from "./counters.js";
import { byId } from "./dom.js";
import { startEvents } from "./events.js";
import { refreshPeople, startPeople } from "./people.js";
import { startPublishing } from "./publish.js";

const MOST_CLIENTS = 16;

const cards = new Set();

function connect(userId) {
  const note = byId("connect-note");
  if (cards.size >= MOST_CLIENTS) {
    note.textContent = `This page holds ${MOST_CLIENTS} clients; remove one first.`;
    return;
  }
  note.textContent = "";
  const card = new Card(userId, forget);
  cards.add(card);
  byId("no-clients").hidden = true;
  byId("cards").append(card.element);
  card.connect();
}

function forget(card) {
  cards.delete(card);
  byId("connect-note").textContent = "";
  byId("no-clients").hidden = cards.size > 0;
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
