// A log of bounded length. Rows are built at most once a frame, however fast they come.

const LIMIT = 200;
const NEAR = 48; // pixels from the end that still count as being at the end

export class Log {
  #element;
  #waiting = [];
  #scheduled = false;

  constructor(element) {
    this.#element = element;
  }

  /** Add a row; `build` makes its element when the row is about to be seen. */
  add(build) {
    this.#waiting.push(build);
    if (this.#waiting.length > LIMIT) this.#waiting.shift();
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => this.#flush());
  }

  clear() {
    this.#waiting = [];
    this.#element.replaceChildren();
  }

  #flush() {
    this.#scheduled = false;
    const log = this.#element;
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
    log.append(...this.#waiting.map((build) => build()));
    this.#waiting = [];
    while (log.childElementCount > LIMIT) log.firstElementChild.remove();
    if (atEnd) log.scrollTop = log.scrollHeight;
  }
}
