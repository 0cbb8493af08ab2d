// The report: reads the embedded profile, and puts graph, table and details together.

import "./report.css";

import { Chart } from "./chart.js";
import { Colors } from "./colors.js";
import { Details } from "./details.js";
import { byId, element } from "./dom.js";
import { Profile, count, percent, some, time } from "./profile.js";
import { Table } from "./table.js";
import { isDark, onThemeChange, toggleTheme } from "./theme.js";
import { Graph, unite } from "./tree.js";

const MOST_PACKAGES = 10; // in the legend

class Report {
  constructor(profile) {
    this.profile = profile;
    this.colors = new Colors(profile, isDark);
    this.view = { thread: "all", isInverted: false, focus: null };
    this.trees = new Map();
    const select = (one) => this.select(one);
    this.table = new Table({ profile, select });
    const focus = (one, isInverted) => this.#change({ focus: one, isInverted });
    this.details = new Details({ profile, select, focus });
    if (profile.hasTrees) this.#makeGraph();
    else byId("graph-panel").hidden = true;
    this.#listen();
    if (profile.size) this.#show(this.table.first);
  }

  select(one) {
    this.chart?.mark(one);
    this.#show(one);
  }

  #show(one) {
    this.table.mark(one);
    this.details.show(one);
  }

  #makeGraph() {
    this.chart = new Chart({
      profile: this.profile,
      colors: this.colors,
      describe: (datum) => this.#describe(datum),
      select: ({ function: one }) => one >= 0 && this.select(one),
    });
    this.#change({});
    this.#showLegend();
    onThemeChange(() => {
      this.#showLegend();
      this.chart.draw();
    });
  }

  /** Draws another part of the profile, or the same from another side. */
  #change(change) {
    Object.assign(this.view, change);
    const { thread, isInverted, focus } = this.view;
    this.chart.show(new Graph(this.#tree(thread), isInverted, focus));
    byId("inverted").setAttribute("aria-pressed", isInverted);
    byId("unfocus").hidden = focus === null;
    const name = focus === null ? "" : this.profile.names[focus];
    byId("unfocus").textContent = `Only ${name} ✕`;
    this.#showSearch();
  }

  #tree(thread) {
    if (!this.trees.has(thread)) {
      const parts = this.profile.profiles.flatMap(({ threads }, side) =>
        threads
          .filter((_, at) => thread === "all" || at === Number(thread))
          .map(({ tree }) => ({ side, columns: tree })),
      );
      this.trees.set(thread, unite(parts, this.profile.sides, this.profile.size));
    }
    return this.trees.get(thread);
  }

  /** What a frame says, a line each: its name first. */
  #describe({ frame, paths }) {
    if (!frame) return [`${some(paths, "more path")}, too small to see`];
    const { graph, function: one } = frame;
    const lines = [this.chart.nameOf({ frame })];
    if (one >= 0 && this.profile.places[one]) lines.push(this.profile.places[one]);
    const share = percent(frame.width, graph.root.width);
    const isCallers = graph.isInverted && frame.above?.function >= 0;
    const kind = graph.showsOwn ? "own" : "cumulative";
    lines.push(
      `${isCallers ? `${kind}, called by it` : kind}: ${change(frame.times, time)} (${share})`,
    );
    if (one >= 0 && !isCallers) lines.push(...this.#figures(frame, graph.showsOwn));
    return lines;
  }

  #figures(frame, ownIsSaid) {
    const lines = [];
    if (!ownIsSaid) {
      const error = frame.figure("own_error").reduce((sum, one) => sum + one, 0);
      const bar = error ? ` ± ${time(error)}` : "";
      lines.push(`own: ${change(frame.figure("own"), time)}${bar}`);
    }
    if (this.profile.hasCpu) {
      const name = ownIsSaid ? "own_cpu" : "cumulative_cpu";
      lines.push(`on a CPU: ${change(frame.figure(name), time)}`);
    }
    const { mark, meaning } = this.profile.leastPrecise(frame.function);
    lines.push(
      `calls: ${mark}${change(
        frame.figure("calls"),
        (value, sign = "") => `${value > 0 ? sign : ""}${count(value)}`,
      )}`,
    );
    if (mark) lines.push(mark + meaning);
    if (this.profile.isMostlyOverhead(frame.function)) {
      lines.push("* most of its own time that was recorded was the profiler's");
    }
    return lines;
  }

  #showLegend() {
    const legend = byId("legend");
    if (this.profile.isDifference) {
      const swatch = (name, times) =>
        element("li", {}, this.#swatch(this.colors.ofChange(times)), name);
      legend.replaceChildren(
        swatch("less than before", [1, 0]),
        swatch("the same", [1, 1]),
        swatch("more than before", [0, 1]),
        element("li", {}, "widths: the longer time of the two, path by path"),
      );
      return;
    }
    const total = this.profile.totals[0];
    const shown = this.colors.packages.slice(0, MOST_PACKAGES);
    legend.replaceChildren(
      ...shown.map(([name, own]) => {
        const swatch = this.#swatch(this.colors.ofPackage(name));
        return element("li", {}, swatch, `${name} ${percent(own, total)}`);
      }),
    );
    const more = this.colors.packages.length - shown.length;
    if (more > 0) legend.append(element("li", {}, `and ${count(more)} more`));
  }

  #swatch(color) {
    const swatch = element("span", { className: "swatch" });
    swatch.style.background = color;
    return swatch;
  }

  #listen() {
    byId("search").addEventListener("input", () => this.#search());
    byId("theme").addEventListener("click", toggleTheme);
    byId("keys-button").addEventListener("click", () => byId("keys").showModal());
    document.addEventListener("keydown", (event) => this.#pressed(event));
    if (!this.chart) return;
    byId("thread").addEventListener("change", ({ target }) =>
      this.#change({ thread: target.value, focus: null }),
    );
    byId("inverted").addEventListener("click", () => this.#invert());
    byId("flame").addEventListener("click", () => this.#turn());
    byId("reset").addEventListener("click", () => this.#reset());
    byId("unfocus").addEventListener("click", () => this.#change({ focus: null }));
  }

  #invert() {
    this.#change({ isInverted: !this.view.isInverted });
  }

  #turn() {
    this.chart.isIcicle = !this.chart.isIcicle;
    byId("flame").setAttribute("aria-pressed", !this.chart.isIcicle);
    this.chart.zoomTo(this.chart.zoomed);
  }

  #reset() {
    if (this.chart.zoomed.above) this.chart.zoomTo(this.chart.graph.root);
    else if (this.view.focus !== null) this.#change({ focus: null });
  }

  #search() {
    const found = this.profile.find(byId("search").value);
    this.table.filter(found);
    this.chart?.highlight(found);
    this.#showSearch();
  }

  #showSearch() {
    const found = this.profile.find(byId("search").value);
    let text = "";
    if (found) {
      const number = found.filter(Boolean).length;
      text = some(number, "function");
      if (this.chart) {
        const { tree } = this.chart.graph;
        const places = tree.outermost((one) => found[one]);
        const width = places.reduce((sum, place) => sum + tree.width[place], 0);
        text += `, ${percent(width, tree.width[0])} of the time with what they call`;
      }
    }
    byId("matches").textContent = text;
  }

  #pressed(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || byId("keys").open) return;
    const isTyping = event.target.matches("input, select");
    if (event.key === "Escape") {
      if (isTyping && byId("search").value) {
        byId("search").value = "";
        this.#search();
      } else if (this.chart) this.#reset();
      event.target.blur();
      return;
    }
    if (isTyping) return;
    const actions = {
      "/": () => byId("search").focus(),
      "?": () => byId("keys").showModal(),
      d: toggleTheme,
      t: () => byId("functions").tBodies[0].querySelector("button")?.focus(),
      ...(this.chart && {
        g: () => byId("graph").focus(),
        i: () => this.#invert(),
        f: () => this.#turn(),
      }),
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  }
}

/** One figure, or both and what changed. */
function change(values, format) {
  const [before, after = before] = values;
  if (before === after) return format(after);
  return `${format(before)} → ${format(after)}, ${format(after - before, "+")}`;
}

function showHead(profile) {
  document.title = `${profile.title} – fastprof`;
  byId("title").textContent = profile.title;
  byId("title").title = profile.title;
  byId("head").replaceChildren(...profile.head.map((line) => element("p", {}, line)));
  byId("warnings").replaceChildren(
    ...profile.warnings.map((warning) => element("p", {}, `Note: ${warning}.`)),
  );
  const { threads } = profile.profiles[0];
  if (!profile.isDifference && threads.length > 1) {
    byId("thread").append(
      ...threads.map(({ name }, at) => element("option", { value: at }, name)),
    );
    byId("thread").parentElement.hidden = false;
  }
}

const profile = new Profile(JSON.parse(byId("data").textContent));
showHead(profile);
new Report(profile);
