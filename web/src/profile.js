// What the page knows: the embedded data, with names made and sums added up.

const UNITS = [
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "µs"],
];

export class Profile {
  constructor(data) {
    Object.assign(this, data);
    this.sides = data.profiles.length;
    this.isDifference = this.sides === 2;
    this.size = data.functions.line.length;
    this.names = Array.from({ length: this.size }, (_, one) => this.#name(one));
    this.labels = Array.from({ length: this.size }, (_, one) => this.#label(one));
    this.places = Array.from({ length: this.size }, (_, one) => this.#place(one));
    this.searched = this.names.map((name, one) =>
      `${name} ${this.places[one]}`.toLowerCase(),
    );
    this.totals = data.profiles.map(({ figures }) =>
      figures.own.reduce((total, own) => total + own, 0),
    );
  }

  file(one) {
    return this.files[this.functions.file[one]];
  }

  module(one) {
    return this.modules[this.functions.module[one]];
  }

  isC(one) {
    return this.file(one) === "~";
  }

  #name(one) {
    const name = this.functions.name[one];
    return this.isC(one) ? name : `${this.module(one) ?? this.file(one)}:${name}`;
  }

  #label(one) {
    const name = this.functions.name[one];
    const module = this.isC(one) ? null : this.module(one);
    return module === null ? name : `${name} – ${module}`;
  }

  #place(one) {
    return this.isC(one) ? "" : `${this.file(one)}:${this.functions.line[one]}`;
  }

  /** A figure of a function: of a difference the one after. */
  figure(name, one, side = this.sides - 1) {
    return this.profiles[side].figures[name][one];
  }

  /** What is said of a function's calls where they are not exact: `{mark, meaning}`. */
  precision(one, side = this.sides - 1) {
    return this.precisions[this.figure("precision", one, side)];
  }

  leastPrecise(one) {
    const sides = this.profiles.map(({ figures }) => figures.precision[one]);
    return this.precisions[Math.max(...sides)];
  }

  /** A number of calls, marked. */
  counted(calls, one, side) {
    return this.precision(one, side).mark + count(calls);
  }

  change(name, one) {
    return this.figure(name, one, 1) - this.figure(name, one, 0);
  }

  /** Of the change of own time, what comes from more or fewer calls. */
  byCalls(one) {
    const [before, after] = [0, 1].map((side) => this.figure("calls", one, side));
    if (!before || !after) return this.change("own", one);
    return ((after - before) * this.figure("own", one, 0)) / before;
  }

  /** Whether the change is less than both profiles' errors. */
  isNoise(one) {
    const error = this.figure("own_error", one, 0) + this.figure("own_error", one, 1);
    return !this.change("calls", one) && Math.abs(this.change("own", one)) <= error;
  }

  isMostlyOverhead(one) {
    return this.profiles.some(
      ({ figures }) => figures.overhead[one] > figures.own[one],
    );
  }

  /** The calls between a function and others: `{other, calls, own, cumulative, precision}`. */
  edges(one, its, others) {
    const found = new Map();
    this.profiles.forEach(({ edges }, side) => {
      for (let at = 0; at < edges[its].length; at++) {
        if (edges[its][at] !== one) continue;
        const other = edges[others][at];
        let edge = found.get(other);
        if (!edge) {
          const none = () => Array(this.sides).fill(0);
          edge = { other, calls: none(), own: none(), cumulative: none() };
          edge.precision = none();
          found.set(other, edge);
        }
        edge.precision[side] = Math.max(edge.precision[side], edges.precision[at]);
        for (const name of ["calls", "own", "cumulative"]) {
          edge[name][side] += edges[name][at];
        }
      }
    });
    const size = ({ cumulative }) => Math.max(...cumulative);
    return [...found.values()].sort((a, b) => size(b) - size(a));
  }

  /** Which functions a search finds; null when nothing is searched for. */
  find(text) {
    const wanted = text.trim().toLowerCase();
    if (!wanted) return null;
    return this.searched.map((searched) => searched.includes(wanted));
  }
}

/** Nanoseconds for people: three digits and a unit. */
export function time(ns, sign = "") {
  const text = ns < 0 ? "−" : sign;
  const size = Math.abs(ns);
  for (const [unit, name] of UNITS) {
    if (size >= unit) return `${text}${digits(size / unit)} ${name}`;
  }
  return `${text}${Math.round(size)} ns`;
}

function digits(value) {
  if (value >= 100) return count(Math.round(value));
  return value.toFixed(value >= 10 ? 1 : 2);
}

export function count(number) {
  return number.toLocaleString("en");
}

export function some(number, noun) {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

export function percent(part, whole) {
  return whole > 0 ? `${((100 * part) / whole).toFixed(1)} %` : "–";
}
