// The form that publishes: subjects as chips, a payload, and what became of it.

import { publish } from "./api.js";
import { byId, duration, el } from "./dom.js";

const MANY = 100;
const SUGGESTED = 8;
const HINTS = {
  true: "Everybody who is connected is reached.",
  false: "Subjects of connected clients are offered here.",
};

const chosen = new Set();
let offered = [];

/** Offer the subjects of those who are connected. */
export function offer(subjects) {
  offered = subjects;
  showSuggestions();
}

/** Add a subject to those that will be published to. */
export function choose(subject) {
  if (!subject) return;
  chosen.add(subject);
  showChips();
}

function drop(subject) {
  chosen.delete(subject);
  showChips();
}

function showChips() {
  const box = byId("subjects");
  for (const chip of box.querySelectorAll(".chip")) chip.remove();
  box.prepend(...[...chosen].map((subject) =>
    el("button", {
      type: "button", class: "chip", "aria-label": `Remove subject ${subject}`,
      click: () => {
        drop(subject);
        byId("subject").focus();
      },
    }, el("span", {}, subject), el("span", { "aria-hidden": "true" }, "×"))));
  showSuggestions();
}

function showSuggestions() {
  const free = offered.filter((subject) => !chosen.has(subject)).slice(0, SUGGESTED);
  const chips = free.map((subject) =>
    el("button", {
      type: "button", class: "chip ghost", title: subject, "aria-label": `Add subject ${subject}`,
      click: () => choose(subject),
    }, subject));
  const hint = el("span", { class: "hint" }, HINTS[offered.length > 0]);
  byId("suggestions").replaceChildren(...(chips.length ? chips : [hint]));
}

function takeTyped() {
  const input = byId("subject");
  choose(input.value.trim());
  input.value = "";
}

function onSubjectKey(event) {
  const input = event.target;
  if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && input.value.trim()) {
    event.preventDefault();
    takeTyped();
  } else if (event.key === "Backspace" && !input.value && chosen.size) {
    drop([...chosen].pop());
  }
}

/** Say what is wrong with the payload, and whether it can be published. */
function payloadIsGood() {
  const field = byId("payload");
  let problem = "";
  try {
    JSON.parse(field.value);
  } catch (error) {
    problem = field.value.trim() ? error.message : "a payload is any JSON value, such as null";
  }
  byId("payload-note").textContent = problem;
  field.setAttribute("aria-invalid", String(problem !== ""));
  return problem === "";
}

async function send(times) {
  takeTyped();
  if (!payloadIsGood()) return;
  const note = byId("publish-note");
  const subjects = [...chosen];
  const payload = byId("payload").value.trim();
  const began = performance.now();
  let sent = 0;
  note.className = "note result";
  note.textContent = times > 1 ? "publishing …" : "";
  if (times > 1) byId("publish-many").disabled = true;
  try {
    for (let time = 0; time < times; time += 1) sent += await publish(subjects, payload);
    const took = performance.now() - began;
    note.className = "note result good";
    note.textContent = `${reached(subjects, sent, times)} · ${duration(took / times)}${times > 1 ? " each" : ""}`;
  } catch (error) {
    note.className = "note result bad";
    note.textContent = error.message;
  }
  if (times > 1) byId("publish-many").disabled = false;
}

function reached(subjects, sent, times) {
  if (!subjects.length) return "no subjects, so nobody was reached";
  const deliveries = `${sent} ${sent === 1 ? "delivery" : "deliveries"}`;
  return times > 1 ? `${times} published, ${deliveries}` : deliveries;
}

/** Bring the form to life. */
export function startPublishing() {
  byId("subject").addEventListener("keydown", onSubjectKey);
  byId("subject").addEventListener("change", takeTyped);
  byId("payload").addEventListener("input", payloadIsGood);
  byId("publish-many").addEventListener("click", () => send(MANY));
  const form = byId("publish-form");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(1);
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  choose("user:42");
}
