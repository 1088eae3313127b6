// The events a backend would get, and the gateway's counters, as they come.

import { byId, clock, el, painted } from "./dom.js";
import { Log } from "./log.js";

const WORDS = { connected: "connected", message_received: "message", disconnected: "disconnected" };
const EXCERPT = 160;

/** Follow the gateway. `onChange` is called when somebody comes or goes, `onCounters` every second. */
export function startEvents(onChange, onCounters) {
  const log = new Log(byId("event-log"));
  const source = new EventSource("/console/events");
  let boot = null;
  const clear = () => {
    log.clear();
    byId("no-events").hidden = false;
  };
  source.addEventListener("open", () => live("live", "live"));
  source.addEventListener("error", () => live("away", "reconnecting"));
  source.addEventListener("hello", ({ data }) => {
    const hello = JSON.parse(data);
    if (boot !== null && boot !== hello.boot) clear();
    boot = hello.boot;
    live("live", `live on ${hello.node}`);
    onChange();
  });
  source.addEventListener("counters", ({ data }) => onCounters(JSON.parse(data)));
  source.addEventListener("lost", ({ data }) => {
    const { events } = JSON.parse(data);
    log.add(() => el("p", { class: "row note-row" }, `${events} events came too fast to be shown`));
  });
  source.addEventListener("event", ({ data }) => {
    const event = JSON.parse(data);
    byId("no-events").hidden = true;
    log.add(() => row(event));
    if (event.type !== "message_received") onChange();
  });
  byId("clear-events").addEventListener("click", clear);
}

function live(state, words) {
  const element = byId("live");
  element.dataset.state = state;
  if (element.textContent !== words) element.textContent = words;
}

function row(event) {
  const details = el("details", { class: "row event-row", "data-type": event.type },
    el("summary", {},
      clock(event.at * 1000),
      el("span", { class: "kind" }, WORDS[event.type] ?? event.type),
      el("span", { class: "name" }, event.user_id),
      el("span", { class: "seq", title: "Its number within the connection" }, `#${event.seq}`),
      el("span", { class: "excerpt" }, excerpt(event))));
  details.addEventListener("toggle", () => fill(details, event), { once: true });
  return details;
}

/** The body is built when somebody looks. */
function fill(details, event) {
  const beside = [["id", event.id], ["seq", event.seq], ["reason", event.reason]];
  details.append(
    el("dl", { class: "beside" }, ...beside
      .filter(([, value]) => value !== null)
      .flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, String(value))])),
    el("pre", {}, painted(indented(event.body)),
      event.cut ? el("span", { class: "more" }, ` … ${event.cut.toLocaleString()} more`) : ""));
}

function indented(body) {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body; // cut short by the gateway
  }
}

function excerpt({ type, body, connection_id: id }) {
  if (type !== "message_received") return id.slice(0, 8);
  try {
    return JSON.parse(body).raw.slice(0, EXCERPT);
  } catch {
    return body.slice(0, EXCERPT);
  }
}
