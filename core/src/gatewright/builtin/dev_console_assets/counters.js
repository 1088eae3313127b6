// The gateway's own counters as tiles, each with its last minute as a small curve.

import { byId, el } from "./dom.js";

const SECONDS = 60;
const WIDTH = 120;
const HEIGHT = 28;
const SVG = "http://www.w3.org/2000/svg";

const TILES = [
  ["connections", "Connections", "open now"],
  ["messages", "Messages", "from clients"],
  ["publications", "Publications", "from backends"],
  ["deliveries", "Deliveries", "frames to clients"],
  ["events", "Events", "for backends"],
  ["closes", "Closed", "connections"],
];

class Tile {
  #value = null;
  #curve = new Array(SECONDS).fill(0);
  #number = el("span", { class: "number" }, "0");
  #line = document.createElementNS(SVG, "polyline");

  constructor(name, label, hint) {
    this.isLevel = name === "connections";
    const chart = document.createElementNS(SVG, "svg");
    chart.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    chart.setAttribute("preserveAspectRatio", "none");
    chart.setAttribute("aria-hidden", "true");
    chart.append(this.#line);
    this.element = el("div", { class: "tile", "data-counter": name },
      el("dt", {}, label, el("span", { class: "hint" }, hint)),
      el("dd", {}, this.#number, chart));
  }

  show(value) {
    const step = this.isLevel ? value : Math.max(0, value - (this.#value ?? value));
    this.#curve.push(step);
    this.#curve.shift();
    this.#draw();
    if (value === this.#value) return;
    this.#number.textContent = value.toLocaleString("en");
    if (this.#value !== null) this.#pulse();
    this.#value = value;
  }

  #pulse() {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    this.#number.animate([{ color: "var(--accent)" }, {}], { duration: 900, easing: "ease-out" });
  }

  #draw() {
    const highest = Math.max(1, ...this.#curve);
    const points = this.#curve.map((value, index) => {
      const x = (index / (SECONDS - 1)) * WIDTH;
      const y = HEIGHT - 2 - (value / highest) * (HEIGHT - 4);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    });
    this.#line.setAttribute("points", points.join(" "));
  }
}

/** Make the tiles; returns a function that shows fresh counts. */
export function startCounters() {
  const tiles = new Map(TILES.map(([name, ...words]) => [name, new Tile(name, ...words)]));
  byId("counters").append(...[...tiles.values()].map((tile) => tile.element));
  return (counts) => {
    for (const [name, tile] of tiles) tile.show(counts[name] ?? 0);
  };
}
