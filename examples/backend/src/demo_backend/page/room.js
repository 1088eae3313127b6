// What is said, and who is there.

import { avatar, byId, el } from "./elements.js";

const KEPT = 200;
const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

/** The messages: each once, the newest at the end. */
export class Messages {
  #list = byId("messages");
  #known = new Set();
  #me;

  constructor(me) {
    this.#me = me;
    this.#list.replaceChildren();
    this.#show();
  }

  /** Show a message; false where it was shown before. */
  add({ id, from, text, at }) {
    if (this.#known.has(id)) return false;
    this.#known.add(id);
    if (this.#known.size > 2 * KEPT) this.#known.delete(this.#known.values().next().value);
    const when = new Date(at);
    const own = from === this.#me;
    this.#append(
      el("li", { class: own ? "message own" : "message" },
        avatar(from),
        el("header", {}, el("strong", { title: from }, own ? "You" : from),
          el("time", { datetime: when.toISOString() }, TIME.format(when))),
        el("p", {}, text)));
    return true;
  }

  /** Show a remark of the page itself. */
  remark(text) {
    this.#append(el("li", { class: "remark" }, text));
  }

  #append(item) {
    const list = this.#list;
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    list.append(item);
    while (list.childElementCount > KEPT) list.firstElementChild.remove();
    if (atEnd || item.classList.contains("own")) list.scrollTop = list.scrollHeight;
    this.#show();
  }

  #show() {
    byId("empty").hidden = this.#list.childElementCount > 0;
  }
}

/** Show who is there. */
export function showPeople(people, me) {
  byId("people-count").textContent = String(people.length);
  byId("people-list").replaceChildren(
    ...people.map(({ user_id: name, connections }) =>
      el("li", {},
        avatar(name),
        el("span", { class: "name", title: name }, name),
        el("span", { class: "you" },
          [name === me ? "you" : "", connections > 1 ? `×${connections}` : ""].join(" ").trim()))));
}
