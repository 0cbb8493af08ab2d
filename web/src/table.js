// The table of functions: sorted by any column, filtered by the search, in pages.

import { byId, element } from "./dom.js";
import { count, percent, some } from "./profile.js";

const PAGE = 100;
const MS = new Intl.NumberFormat("en", {
  minimumFractionDigits: 3,
  maximumFractionDigits: 3,
});

const inMs = (ns) => MS.format(ns / 1e6);
const withSign = (format) => (value) =>
  value > 0 ? `+${format(value)}` : format(value);

/**
 * What a profile's table has: `{title, hint, of: function => value, show: (value,
 * function) => text, about: function => what a cell says when it is pointed at}`.
 */
function columnsOf(profile) {
  const figure = (name, side) => (one) => profile.figure(name, one, side);
  const named = { title: "function", of: (one) => profile.names[one], isText: true };
  const placed = { title: "place", of: (one) => profile.places[one], isText: true };
  const counted = (side) => ({
    show: (value, one) => profile.counted(value, one, side),
    about: (one) => profile.precision(one, side).meaning,
  });
  if (profile.isDifference) {
    const before = "in the old profile";
    const change = (title, name, show) => [
      { title: `${title} before`, hint: before, of: figure(name, 0), show },
      {
        title: `${title} after`,
        hint: "in the new profile",
        of: figure(name, 1),
        show,
      },
      {
        title: `± ${title}`,
        hint: "how much more in the new profile",
        of: (one) => profile.change(name, one),
        show: withSign(show),
        isChange: true,
      },
    ];
    const part = (title, hint, of) => {
      return { title, hint, of, show: withSign(inMs), isChange: true };
    };
    const calls = change("calls", "calls", count);
    Object.assign(calls[0], counted(0));
    Object.assign(calls[1], counted(1));
    return [
      named,
      ...change("own ms", "own", inMs),
      part("by calls", "of it, what comes from more or fewer calls", (one) =>
        profile.byCalls(one),
      ),
      part(
        "by time",
        "of it, what comes from calls that take more or less",
        (one) => profile.change("own", one) - profile.byCalls(one),
      ),
      ...change("cumulative ms", "cumulative", inMs),
      ...calls,
      placed,
    ];
  }
  const ms = (name, title, hint) => ({ title, hint, of: figure(name), show: inMs });
  const share = (name, hint) => ({
    title: "%",
    hint,
    of: figure(name),
    show: (value) => percent(value, profile.totals[0]).replace(" %", ""),
  });
  const hasErrors = profile.profiles[0].figures.own_error.some((error) => error > 0);
  return [
    named,
    {
      title: "calls",
      hint: "calls that have ended",
      of: figure("calls"),
      ...counted(0),
    },
    {
      title: "primitive",
      hint: "calls that were not recursive",
      of: figure("primitive_calls"),
      ...counted(0),
    },
    ms("own", "own ms", "time in it, and in nothing that it called"),
    ...(hasErrors ? [ms("own_error", "± ms", "how far off the own time may be")] : []),
    share("own", "share of own time in all time"),
    ms("cumulative", "cumulative ms", "time from its calls to their ends"),
    share("cumulative", "share of cumulative time in all time"),
    ...(profile.hasCpu
      ? [
          ms("own_cpu", "own CPU ms", "of the own time, what its thread was on a CPU"),
          ms("cumulative_cpu", "cumulative CPU ms", "the same of the cumulative time"),
        ]
      : []),
    placed,
  ];
}

const MARKS = [
  {
    mark: "*",
    meaning: "most of the own time that was recorded was the profiler's",
    applies: (profile, one) => profile.isMostlyOverhead(one),
  },
  {
    mark: "~",
    meaning: "less than the error of the two figures",
    applies: (profile, one) => profile.isDifference && profile.isNoise(one),
  },
];

const hasPrecision = (number) => (profile, one) =>
  profile.profiles.some(({ figures }) => figures.precision[one] === number);

export class Table {
  #rows = [];
  #shown = PAGE;
  #isSelected = (one) => one === this.selected;

  /** `select(function)` is told which one was chosen. */
  constructor({ profile, select }) {
    this.profile = profile;
    this.select = select;
    this.columns = columnsOf(profile);
    this.sorted = this.columns.find(
      (column) => column.title === (profile.isDifference ? "± own ms" : "own ms"),
    );
    this.isDescending = true;
    this.found = null;
    this.body = byId("functions").tBodies[0];
    this.body.addEventListener("click", (event) => this.#clicked(event));
    this.body.addEventListener("keydown", (event) => this.#pressed(event));
    byId("more").addEventListener("click", () => this.#showMore());
    this.#makeHead();
    this.draw();
    byId("marks").textContent = [
      ...MARKS.filter(({ applies }) => this.#any(applies)).map(
        ({ mark, meaning }) => `${mark} ${meaning}`,
      ),
      ...profile.precisions
        .filter(({ mark }, number) => mark && this.#any(hasPrecision(number)))
        .map(({ mark, meaning }) => `${mark}${meaning}`),
    ].join("; ");
  }

  /** The function on top. */
  get first() {
    return this.#rows[0];
  }

  filter(found) {
    this.found = found;
    this.draw();
  }

  mark(one) {
    this.selected = one;
    for (const row of this.body.rows) {
      row.classList.toggle("selected", this.#isSelected(Number(row.dataset.function)));
    }
  }

  draw() {
    const { of, isChange, isText } = this.sorted;
    const value = isChange ? (one) => Math.abs(of(one)) : of;
    const order = isText
      ? (one, other) => value(one).localeCompare(value(other))
      : (one, other) => value(one) - value(other);
    const sign = this.isDescending ? -1 : 1;
    this.#rows = Array.from({ length: this.profile.size }, (_, one) => one)
      .filter((one) => !this.found || this.found[one])
      .sort((one, other) => sign * order(one, other));
    this.#shown = PAGE;
    this.#fill();
  }

  #makeHead() {
    const cells = this.columns.map((column) => {
      const button = element("button", { title: column.hint ?? "" }, column.title);
      button.addEventListener("click", () => this.#sortBy(column));
      column.cell = element("th", { scope: "col" }, button);
      column.cell.classList.toggle("text", Boolean(column.isText));
      return column.cell;
    });
    byId("functions").tHead.rows[0].replaceChildren(...cells);
  }

  #any(applies) {
    return this.#rows.some((one) => applies(this.profile, one));
  }

  #sortBy(column) {
    this.isDescending = this.sorted === column ? !this.isDescending : !column.isText;
    this.sorted = column;
    this.draw();
  }

  #fill() {
    for (const column of this.columns) {
      const order = this.isDescending ? "descending" : "ascending";
      if (column === this.sorted) column.cell.setAttribute("aria-sort", order);
      else column.cell.removeAttribute("aria-sort");
    }
    const shown = this.#rows.slice(0, this.#shown);
    this.body.replaceChildren(...shown.map((one) => this.#row(one)));
    const left = this.#rows.length - shown.length;
    byId("more").hidden = left === 0;
    byId("more").textContent = `Show more (${count(left)} left)`;
    byId("shown").textContent =
      `${count(this.#rows.length)} of ${some(this.profile.size, "function")}`;
  }

  #showMore() {
    const before = this.#shown;
    this.#shown += 5 * PAGE;
    this.#fill();
    this.body.rows[before].querySelector("button").focus();
  }

  #row(one) {
    const row = element(
      "tr",
      {},
      ...this.columns.map((column) => this.#cell(column, one)),
    );
    row.dataset.function = one;
    row.classList.toggle("selected", this.#isSelected(one));
    return row;
  }

  #cell(column, one) {
    const value = column.of(one);
    if (column.title === "function") return this.#nameCell(one, value);
    if (column.isText)
      return element("td", { className: "text", title: value }, baseName(value));
    const title = column.about?.(one) ?? "";
    const cell = element("td", { title }, column.show(value, one));
    if (column.isChange && value) cell.classList.add(value > 0 ? "worse" : "better");
    return cell;
  }

  #nameCell(one, name) {
    const cell = element(
      "td",
      { className: "text" },
      element("button", { title: name }, name),
    );
    for (const { mark, meaning, applies } of MARKS) {
      if (applies(this.profile, one)) {
        cell.prepend(element("span", { title: meaning, className: "mark" }, mark));
      }
    }
    return cell;
  }

  #clicked(event) {
    const row = event.target.closest("tr");
    if (row) this.select(Number(row.dataset.function));
  }

  #pressed(event) {
    const row = event.target.closest("tr");
    const next = { ArrowDown: row.nextSibling, ArrowUp: row.previousSibling }[
      event.key
    ];
    if (!next) return;
    event.preventDefault();
    next.querySelector("button").focus();
  }
}

function baseName(place) {
  return place.slice(Math.max(place.lastIndexOf("/"), place.lastIndexOf("\\")) + 1);
}
