// The chat: who one is, what is said, who is there.

import * as api from "./api.js";
import { byId } from "./elements.js";
import { Stay } from "./stay.js";

const about = api.settings();
let stay = null;

/** Let somebody in. */
async function join(name) {
  const { tokens, events, ...rest } = await about;
  if (!tokens) throw new Error("The backend issues no tokens: start it with DEMO_SIGNING_KEY_FILE.");
  const first = await api.token(name); // a name that cannot be is refused here
  stay = new Stay(first, rest);
  byId("me").textContent = first.user_id;
  byId("text").maxLength = rest.most_characters;
  show(true);
  note("say-note", events ? "" : "Events are switched off here: what is said does not come back.");
  byId("text").focus();
}

function leave() {
  stay?.end();
  stay = null;
  show(false);
  byId("name").focus();
}

function show(inside) {
  byId("join").hidden = inside;
  byId("room").hidden = !inside;
  byId("people").hidden = !inside;
}

function note(id, text, bad = false) {
  byId(id).textContent = text;
  byId(id).classList.toggle("bad", bad);
}

byId("join-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  byId("join-button").disabled = true;
  note("join-note", "");
  try {
    await join(byId("name").value);
  } catch (error) {
    note("join-note", error.message, true);
  } finally {
    byId("join-button").disabled = false;
  }
});

byId("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = byId("text").value.trim();
  if (!text) return;
  if (stay.say(text)) {
    byId("text").value = "";
    note("say-note", "");
  } else {
    note("say-note", "Not sent: there is no connection now. It is tried again by itself.", true);
  }
});

byId("leave").addEventListener("click", leave);
byId("name").focus();
about.catch((error) => note("join-note", `The backend cannot be asked: ${error.message}`, true));
