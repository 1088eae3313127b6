// Small helpers for building elements. Text always goes in as text, never as markup.

const SHOWN_CHARACTERS = 4000;
const TOKENS =
  /("(?:\\.|[^"\\])*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;

/** Make an element: `el("p", {class: "note"}, "text", child)`. Functions become listeners. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Find an element of the page by its id. */
export function byId(id) {
  return document.getElementById(id);
}

/** Colour JSON as it was written; a text that is not JSON stays as it is. */
export function painted(text) {
  const shown = text.slice(0, SHOWN_CHARACTERS);
  const code = el("code");
  let end = 0;
  for (const match of shown.matchAll(TOKENS)) {
    code.append(shown.slice(end, match.index));
    const [whole, string, colon, number] = match;
    const kind = string ? (colon ? "key" : "string") : number ? "number" : "word";
    code.append(el("span", { class: `j-${kind}` }, string ?? whole), colon ?? "");
    end = match.index + whole.length;
  }
  code.append(shown.slice(end));
  const more = text.length - shown.length;
  if (more > 0) code.append(el("span", { class: "more" }, ` … ${more.toLocaleString()} more`));
  return code;
}

/** A round mark for a user: first letters, and a colour that stays the same. */
export function avatar(userId) {
  const mark = el("span", { class: "avatar", "aria-hidden": "true" }, initials(userId));
  mark.style.setProperty("--hue", hue(userId));
  return mark;
}

function initials(text) {
  return [...text.replace(/^[^\p{L}\p{N}]+/u, "")].slice(0, 2).join("") || "?";
}

function hue(text) {
  let hash = 7;
  for (const character of text) hash = (hash * 61 + character.codePointAt(0)) % 3607;
  return Math.round(hash * 137.508) % 360; // neighbours get far apart
}

/** Time of day as an element, from milliseconds since the epoch. */
export function clock(at = Date.now()) {
  const date = new Date(at);
  const two = (number) => String(number).padStart(2, "0");
  const milliseconds = String(date.getMilliseconds()).padStart(3, "0");
  const seconds = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return el("time", {}, seconds, el("span", { class: "fraction" }, `.${milliseconds}`));
}

/** Milliseconds for people: `0.8 ms`, `12 ms`, `1.4 s`. */
export function duration(milliseconds) {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
}
