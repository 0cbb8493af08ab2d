// The flame graph, drawn by d3-flame-graph; here is what it shows, and its keyboard.

import flamegraph from "d3-flame-graph";
import { select as selectElement } from "d3-selection";

import { byId } from "./dom.js";
import { layOut } from "./layout.js";
import { count, percent, some } from "./profile.js";

const ROW = 18;
// The library leaves rows for a title, above a flame graph and below an icicle.
const SPARE_ROWS = 2;

export class Chart {
  #chart = null;
  #current = null; // the element of the frame that the keyboard is on
  #width = 0;

  /** `select(frame)` is told which frame was clicked on. */
  constructor({ profile, colors, describe, select }) {
    Object.assign(this, { profile, colors, describe, select });
    this.box = byId("graph");
    this.found = null;
    this.isIcicle = true;
    // The library's own click zooms among what is drawn; here what was folded appears.
    this.box.addEventListener("click", (event) => this.#clicked(event), true);
    this.box.addEventListener("keydown", (event) => this.#pressed(event));
    this.box.addEventListener("focus", () => {
      // Not when the mouse is pressed: what it is on must not scroll away.
      if (this.box.matches(":focus-visible")) this.#move(this.#current);
    });
    new ResizeObserver(() => this.#resized()).observe(this.box);
  }

  show(graph) {
    this.graph = graph;
    this.zoomTo(graph.root);
  }

  zoomTo(frame) {
    this.zoomed = frame;
    this.#current = null;
    this.draw();
    this.box.scrollTop = this.isIcicle ? 0 : this.box.scrollHeight;
  }

  /** Outlines the frames of a function. */
  mark(one) {
    this.marked = one;
    this.#outline();
  }

  highlight(found) {
    this.found = found;
    this.draw();
  }

  draw() {
    byId("tip").hidden = true;
    this.#width = this.box.clientWidth;
    const laidOut = layOut(this.zoomed);
    this.#chart?.destroy();
    this.box.replaceChildren();
    if (!(laidOut.data.value > 0)) {
      this.box.append("No time was recorded here.");
      this.#say(laidOut);
      return;
    }
    this.#chart = flamegraph()
      .width(this.#width)
      .cellHeight(ROW)
      .inverted(this.isIcicle)
      .transitionDuration(0)
      .tooltip(this.#tooltip())
      .getName((node) => this.nameOf(node.data))
      .setColorMapper((node) => this.#colorOf(node.data));
    selectElement(this.box).datum(laidOut.data).call(this.#chart);
    this.#adorn();
    this.#say(laidOut);
  }

  nameOf({ frame, paths }) {
    if (!frame) return `… ${count(paths)} more`;
    if (frame.function >= 0) return this.profile.names[frame.function];
    return this.graph.showsOwn ? "all functions, by own time" : "all";
  }

  /** The function before its module: most frames have room for the first only. */
  #labelOf(datum) {
    const { frame } = datum;
    if (!frame || frame.function < 0) return this.nameOf(datum);
    return this.profile.labels[frame.function];
  }

  #colorOf({ frame }) {
    if (!frame) return this.colors.neutral;
    if (this.found) {
      return this.found[frame.function] ? this.colors.found : this.colors.neutral;
    }
    if (this.profile.isDifference) return this.colors.ofChange(frame.times);
    return this.colors.of(frame.function);
  }

  /** What the library does not do: a place for the keyboard, and names for readers. */
  #adorn() {
    const svg = this.box.querySelector("svg");
    const height = Number(svg.getAttribute("height")) - SPARE_ROWS * ROW;
    const top = this.isIcicle ? 0 : SPARE_ROWS * ROW;
    svg.setAttribute("viewBox", `0 ${top} ${this.#width} ${height}`);
    svg.setAttribute("height", height);
    svg.setAttribute("role", "presentation");
    this.rows = [];
    this.#endTransitions();
    selectElement(this.box)
      .selectAll("g.frame")
      .each((node, index, elements) => {
        const element = elements[index];
        element.id = `frame-${index}`;
        element.setAttribute("role", "treeitem");
        element.setAttribute("aria-level", node.depth + 1);
        element.setAttribute("aria-label", this.describe(node.data).join(", "));
        element.classList.toggle("folded", !node.data.frame);
        (this.rows[node.depth] ??= []).push(element);
        if (node.data.frame === this.zoomed) this.#current = element;
      });
    const left = (element) => nodeOf(element).x0;
    for (const row of this.rows) row.sort((one, other) => left(one) - left(other));
    this.box.setAttribute("aria-activedescendant", this.#current.id);
    this.#outline();
  }

  #outline() {
    const isMarked = ({ data: { frame } }) =>
      Boolean(frame) && frame.function === this.marked;
    selectElement(this.box).selectAll("g.frame").classed("marked", isMarked);
  }

  /** The library lets frames grow, and writes names later: here both are there at once. */
  #endTransitions() {
    const frames = selectElement(this.box).selectAll("g.frame");
    const width = ({ x1, x0 }) => (x1 - x0) * this.#width;
    frames.select("rect").interrupt().attr("width", width);
    const label = ({ data }) => this.#labelOf(data);
    frames.select(".d3-flame-graph-label").interrupt().text(label);
  }

  #say({ share, folded, tooDeep }) {
    const remarks = [];
    if (folded) {
      const least = (100 * share).toPrecision(2);
      remarks.push(
        `folded: ${some(folded, "path")} too small to see (under ${least} %)`,
      );
    }
    if (tooDeep) remarks.push(`folded: ${some(tooDeep, "path")} too far away`);
    const all = this.graph.root.width;
    if (this.zoomed.above) {
      remarks.unshift(`zoomed to ${percent(this.zoomed.width, all)} of the time`);
    }
    if (folded || tooDeep) remarks.push("zoom in to see them");
    const said = remarks.join("; ");
    byId("folded").textContent = said && `${said[0].toUpperCase()}${said.slice(1)}.`;
    byId("reset").disabled = !this.zoomed.above;
  }

  #tooltip() {
    const box = byId("tip");
    const tip = () => {};
    tip.show = (event, { data }) => {
      const [name, ...lines] = this.describe(data);
      box.replaceChildren(name, ...lines.map((line) => `\n${line}`));
      box.hidden = false;
      const right = window.innerWidth - box.offsetWidth - 8;
      const isLow = event.clientY + box.offsetHeight + 24 > window.innerHeight;
      box.style.left = `${Math.max(4, Math.min(event.clientX + 14, right))}px`;
      box.style.top = `${isLow ? event.clientY - box.offsetHeight - 10 : event.clientY + 16}px`;
    };
    tip.hide = () => {
      box.hidden = true;
    };
    return tip;
  }

  #clicked(event) {
    const element = event.target.closest("g.frame");
    if (!element) return;
    event.stopPropagation();
    this.#open(nodeOf(element).data);
  }

  #open({ frame, above }) {
    this.zoomTo(frame ?? above);
    if (frame) this.select(frame);
    this.#move(this.#current);
  }

  #pressed(event) {
    if (!this.#current || event.ctrlKey || event.altKey || event.metaKey) return;
    const { depth, data } = nodeOf(this.#current);
    const row = this.rows[depth];
    const at = row.indexOf(this.#current);
    const [nearer, further] = this.isIcicle
      ? ["ArrowUp", "ArrowDown"]
      : ["ArrowDown", "ArrowUp"];
    const moves = {
      ArrowLeft: () => this.#move(row[at - 1]),
      ArrowRight: () => this.#move(row[at + 1]),
      Home: () => this.#move(row[0]),
      End: () => this.#move(row.at(-1)),
      [nearer]: () => this.#move(this.#elementOf(nodeOf(this.#current).parent)),
      [further]: () => this.#move(this.#elementOf(nodeOf(this.#current).children?.[0])),
      Enter: () => this.#open(data),
      " ": () => this.#open(data),
      Backspace: () => this.zoomed.above && this.#open({ frame: this.zoomed.above }),
    };
    if (!moves[event.key]) return;
    event.preventDefault();
    moves[event.key]();
  }

  #elementOf(node) {
    return node && this.rows[node.depth].find((element) => nodeOf(element) === node);
  }

  #move(element) {
    if (!element) return;
    byId("tip").hidden = true;
    this.#current?.classList.remove("current");
    this.#current = element;
    element.classList.add("current");
    this.box.setAttribute("aria-activedescendant", element.id);
    element.scrollIntoView({ block: "nearest" });
    byId("status").textContent = this.describe(nodeOf(element).data).join("  ·  ");
  }

  #resized() {
    if (this.zoomed && this.box.clientWidth !== this.#width) this.draw();
  }
}

function nodeOf(element) {
  return selectElement(element).datum();
}
