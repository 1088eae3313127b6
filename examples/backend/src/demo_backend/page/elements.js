// Small helpers for elements. Text always goes in as text, never as markup.

/** Find an element of the page by its id. */
export function byId(id) {
  return document.getElementById(id);
}

/** Make an element: `el("p", { class: "note" }, "text", child)`. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A round mark for a person: first letters, and a colour that stays the same. */
export function avatar(name) {
  const letters = [...name.replace(/^[^\p{L}\p{N}]+/u, "")].slice(0, 2).join("") || "?";
  const mark = el("span", { class: "avatar", "aria-hidden": "true" }, letters);
  let hash = 7;
  for (const character of name) hash = (hash * 61 + character.codePointAt(0)) % 3607;
  mark.style.setProperty("--hue", Math.round(hash * 137.508) % 360);
  return mark;
}
