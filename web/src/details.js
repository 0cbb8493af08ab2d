// One function: its figures, its callers and callees, and its source.

import { byId, element } from "./dom.js";
import { count, some, time } from "./profile.js";

const MOST_EDGES = 50;
const NO_SOURCE =
  "Not in this report: it was not found where the report was written, has changed, or" +
  " there was no room for it.";

export class Details {
  /** `select` is told of a function that was chosen, `focus` of one to draw. */
  constructor({ profile, select, focus }) {
    Object.assign(this, { profile, select, focus });
    this.box = byId("details");
  }

  show(one) {
    const { profile } = this;
    this.box.replaceChildren(
      element("h2", {}, profile.names[one]),
      element("p", { className: "place" }, profile.places[one] || "written in C"),
      this.#figures(one),
      ...(profile.hasTrees ? [this.#buttons(one)] : []),
      this.#edges(
        "Called by",
        "no function that was recorded",
        one,
        "callee",
        "caller",
      ),
      this.#edges("Calls", "no function that was recorded", one, "caller", "callee"),
      ...this.#source(one),
    );
    this.box.scrollTop = 0;
  }

  #figures(one) {
    const { profile } = this;
    const list = element("dl");
    const add = (name, values) =>
      list.append(element("dt", {}, name), element("dd", {}, values));
    const both = (name, format) =>
      arrow(profile.profiles.map((side) => format(side.figures[name][one])));
    add(
      "calls",
      arrow(
        profile.profiles.map(({ figures }, side) =>
          profile.counted(figures.calls[one], one, side),
        ),
      ),
    );
    const { mark, meaning } = profile.leastPrecise(one);
    if (mark) add("not exact", mark + meaning);
    const addIfAny = (title, name, format) => {
      const isAny = profile.profiles.some(({ figures }) => figures[name][one]);
      if (isAny) add(title, both(name, format));
    };
    addIfAny("resumes", "resumes", count);
    addIfAny("ended with an exception", "raised", count);
    add("own", both("own", time));
    addIfAny("± (may be off by)", "own_error", time);
    add("cumulative", both("cumulative", time));
    addIfAny("stood still between resumes", "suspended", time);
    if (profile.hasCpu) {
      add("own, on a CPU", both("own_cpu", time));
      add("cumulative, on a CPU", both("cumulative_cpu", time));
    }
    return list;
  }

  #buttons(one) {
    const button = (title, isInverted) => {
      const made = element("button", {}, title);
      made.addEventListener("click", () => this.focus(one, isInverted));
      return made;
    };
    return element(
      "p",
      { className: "buttons" },
      button("Graph of who calls it", true),
      button("Graph of what it calls", false),
    );
  }

  #edges(title, nothing, one, its, others) {
    const edges = this.profile.edges(one, its, others);
    const section = element("section", {}, element("h3", {}, title));
    if (!edges.length) {
      section.append(element("p", { className: "none" }, nothing));
      return section;
    }
    const head = element(
      "tr",
      {},
      ...["calls", "own", "cumulative", "function"].map((name) =>
        element(
          "th",
          { scope: "col", className: name === "function" ? "text" : "" },
          name,
        ),
      ),
    );
    const rows = edges.slice(0, MOST_EDGES).map((edge) => this.#edge(edge));
    section.append(
      element(
        "table",
        { className: "edges" },
        element("thead", {}, head),
        element("tbody", {}, ...rows),
      ),
    );
    if (edges.length > MOST_EDGES) {
      section.append(
        element(
          "p",
          { className: "none" },
          `${count(edges.length - MOST_EDGES)} more, with less time each`,
        ),
      );
    }
    return section;
  }

  #edge({ other, calls, own, cumulative, precision }) {
    const name = this.profile.names[other];
    const { precisions } = this.profile;
    const counted = calls.map((number, side) => {
      return precisions[precision[side]].mark + count(number);
    });
    const title = precisions[Math.max(...precision)].meaning;
    const button = element("button", { title: name }, name);
    button.addEventListener("click", () => this.select(other));
    return element(
      "tr",
      {},
      element("td", { title }, arrow(counted)),
      element("td", {}, arrow(own.map((ns) => time(ns)))),
      element("td", {}, arrow(cumulative.map((ns) => time(ns)))),
      element("td", { className: "text" }, button),
    );
  }

  #source(one) {
    if (this.profile.isC(one)) return [];
    const title = element("h3", {}, "Source");
    const source = this.profile.sources[one];
    if (!source) return [title, element("p", { className: "none" }, NO_SOURCE)];
    const first = Math.max(1, this.profile.functions.line[one]);
    const lines = source.lines.map((line, index) =>
      element("span", { className: "line", "data-number": first + index }, `${line}\n`),
    );
    const listing = element("pre", { tabIndex: 0, "aria-label": "source" }, ...lines);
    if (!source.left_out) return [title, listing];
    const rest = `${some(source.left_out, "more line")} left out`;
    return [title, listing, element("p", { className: "none" }, rest)];
  }
}

function arrow(values) {
  return values.join(" → ");
}
