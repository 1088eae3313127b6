// One person's stay in the room.

import * as api from "./api.js";
import { byId } from "./elements.js";
import { Line } from "./line.js";
import { Messages, showPeople } from "./room.js";

const LATER_MS = 1_000; // presence may be a moment behind
const EVERY_MS = 15_000;

const WORDS = {
  connecting: "connecting …",
  open: "connected",
  waiting: "connection lost, trying again …",
  refused: "not let in: leave, and join again",
  closed: "not connected",
};

export class Stay {
  #me;
  #messages;
  #line;
  #later;
  #every;
  #warned = false;

  /**
   * @param first the token that is there already: `{token, user_id}`
   * @param about what the backend says of itself
   */
  constructor(first, about) {
    this.#me = first.user_id;
    this.#messages = new Messages(this.#me);
    this.#line = new Line({
      addresses: about.gateways,
      first: wanted(about.gateways.length),
      token: tokens(first),
      heard: (payload) => this.#heard(payload),
      limited: () => this.#messages.remark("That was too fast: the last message was not sent on."),
      changed: (state) => this.#changed(state),
      failed: (error) => this.#messages.remark(`That went wrong: ${error.message}`),
    });
    this.#every = setInterval(() => document.hidden || this.#ask(), EVERY_MS);
  }

  /** Say something; false where it cannot be sent now. */
  say(text) {
    return this.#line.send({ type: "chat", text });
  }

  end() {
    clearTimeout(this.#later);
    clearInterval(this.#every);
    this.#line.close();
  }

  #heard(payload) {
    if (payload?.type === "chat") this.#messages.add(payload);
    else if (payload?.type === "people") this.#askNowAndLater();
  }

  #changed(state) {
    showState(state);
    if (state === "open") {
      if (this.#warned) this.#messages.remark("Connected again. What was said meanwhile is not shown.");
      this.#warned = false;
      this.#askNowAndLater();
    } else if (state === "waiting" && !this.#warned) {
      this.#messages.remark("The connection was lost.");
      this.#warned = true;
    }
  }

  #askNowAndLater() {
    this.#ask();
    clearTimeout(this.#later);
    this.#later = setTimeout(() => this.#ask(), LATER_MS);
  }

  async #ask() {
    try {
      showPeople(await api.people(), this.#me);
      byId("people").title = "";
    } catch (error) {
      byId("people").title = `Not known now: ${error.message}`;
    }
  }
}

/** Which gateway the address asks for: `?gateway=2` is the second. */
function wanted(count) {
  const number = Number(new URLSearchParams(location.search).get("gateway") ?? 1);
  return Number.isInteger(number) && number >= 1 && number <= count ? number - 1 : 0;
}

/** A provider of tokens that begins with the one that is there. */
function tokens({ token, user_id: name }) {
  let unused = token;
  return async ({ fresh }) => {
    const first = fresh ? null : unused;
    unused = null;
    return first ?? (await api.token(name)).token;
  };
}

function showState(state) {
  byId("line").dataset.state = state;
  byId("line").textContent = WORDS[state];
}
