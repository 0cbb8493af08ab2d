// The call tree as columns, as it is embedded in the page, and what is derived from it.
//
// A place is a path of calls: 0 is the root, a parent's place is less than its
// children's. There is one side for a profile, and two (before, after) for a difference.

const FIGURES = ["calls", "own", "own_cpu", "own_error"];

/** The tree that has every path of some trees, with the figures of each side added up.
 *
 * `parts` are `{side, columns}`. The sides' figures are arrays by place.
 */
export function unite(parts, sides, functions) {
  const parent = [0];
  const ofFunction = [-1];
  const places = new Map();
  const figures = Object.fromEntries(
    FIGURES.map((name) => [name, Array.from({ length: sides }, () => [0])]),
  );
  for (const { side, columns } of parts) {
    const placeOf = new Int32Array(columns.parent.length);
    for (let at = 1; at < placeOf.length; at++) {
      const above = placeOf[columns.parent[at]];
      const key = above * functions + columns.function[at];
      let place = places.get(key);
      if (place === undefined) {
        place = parent.length;
        places.set(key, place);
        parent.push(above);
        ofFunction.push(columns.function[at]);
        for (const name of FIGURES) {
          for (const values of figures[name]) values.push(0);
        }
      }
      placeOf[at] = place;
      for (const name of FIGURES) {
        if (columns[name]) figures[name][side][place] += columns[name][at];
      }
    }
  }
  return new Tree(Int32Array.from(parent), Int32Array.from(ofFunction), figures);
}

class Tree {
  constructor(parent, ofFunction, figures) {
    this.parent = parent;
    this.function = ofFunction;
    this.size = parent.length;
    Object.assign(this, figures);
    this.cumulative = this.own.map((own) => this.#summedUp(own));
    this.cumulative_cpu = this.own_cpu.map((own) => this.#summedUp(own));
    // What a frame's width shows: of two sides the longer one, path by path, so that
    // what is gone can be seen, and a frame is as wide as what stands on it.
    this.ownWidth = Float64Array.from(parent, (_, at) =>
      Math.max(0, ...this.own.map((own) => own[at])),
    );
    this.width = this.#summedUp(this.ownWidth);
    this.#linkChildren();
  }

  #summedUp(own) {
    const sum = Float64Array.from(own);
    for (let at = this.size - 1; at > 0; at--) sum[this.parent[at]] += sum[at];
    return sum;
  }

  #linkChildren() {
    this.firstChild = new Int32Array(this.size);
    this.nextSibling = new Int32Array(this.size);
    for (let at = this.size - 1; at > 0; at--) {
      this.nextSibling[at] = this.firstChild[this.parent[at]];
      this.firstChild[this.parent[at]] = at;
    }
  }

  /** The places of a set of functions that are below no other place of the set. */
  outermost(isWanted) {
    const isInside = new Uint8Array(this.size);
    const found = [];
    for (let at = 1; at < this.size; at++) {
      const isOne = isWanted(this.function[at]);
      if (isOne && !isInside[this.parent[at]]) found.push(at);
      isInside[at] = isOne || isInside[this.parent[at]] ? 1 : 0;
    }
    return found;
  }
}

/** A frame of a graph: a function, as it is reached from the frame `above`.
 *
 * It stands for one or more places. Of callers ("who calls this") `seeds` are the
 * places whose time the frame has, and `places` where their callers' stacks have been
 * followed to, one for each; of callees both are the same.
 */
class Frame {
  #children = null;

  constructor(graph, above, ofFunction, places, seeds) {
    this.graph = graph;
    this.above = above;
    this.depth = above ? above.depth + 1 : 0;
    this.function = ofFunction;
    this.places = places;
    this.seeds = seeds;
    this.width = sum(graph.measure.width, seeds);
  }

  /** The frames next to it, away from the root, the widest first. */
  get children() {
    this.#children ??= this.graph.next(this);
    return this.#children;
  }

  /** The times that its width stands for: a number for each side. */
  get times() {
    return this.graph.measure.sides.map((values) => sum(values, this.seeds));
  }

  figure(name) {
    return this.graph.tree[name].map((values) => sum(values, this.seeds));
  }
}

/** What is drawn: a tree from a function on, or from its root; or upside down. */
export class Graph {
  /** `focus` is a function, or null: the whole tree. */
  constructor(tree, isInverted, focus) {
    this.tree = tree;
    this.isInverted = isInverted;
    // Upside down, each function has its own time, or the one in focus all of its time.
    this.showsOwn = isInverted && focus === null;
    this.measure = this.showsOwn
      ? { width: tree.ownWidth, sides: tree.own }
      : { width: tree.width, sides: tree.cumulative };
    if (focus !== null) {
      const places = tree.outermost((one) => one === focus);
      this.root = new Frame(this, null, focus, places, places);
    } else {
      const places = isInverted ? everyPlace(tree) : [0];
      this.root = new Frame(this, null, -1, places, places);
    }
  }

  next(frame) {
    const groups = new Map();
    const add = (place, seed) => {
      const ofFunction = this.tree.function[place];
      let group = groups.get(ofFunction);
      if (!group) groups.set(ofFunction, (group = { places: [], seeds: [] }));
      group.places.push(place);
      group.seeds.push(seed);
    };
    if (!this.isInverted) {
      const { firstChild, nextSibling } = this.tree;
      for (const place of frame.places) {
        for (let at = firstChild[place]; at; at = nextSibling[at]) add(at, at);
      }
    } else if (frame.function < 0) {
      for (const place of frame.places) add(place, place);
    } else {
      frame.places.forEach((place, index) => {
        const caller = this.tree.parent[place];
        if (caller) add(caller, frame.seeds[index]);
      });
    }
    return Array.from(
      groups,
      ([ofFunction, { places, seeds }]) =>
        new Frame(this, frame, ofFunction, places, seeds),
    ).sort((one, other) => other.width - one.width);
  }
}

/** The number of paths at and below a frame, as far as they stand in the tree. */
export function pathsBelow(frame) {
  if (frame.graph.isInverted) return frame.places.length;
  const { firstChild, nextSibling } = frame.graph.tree;
  const pending = [...frame.places];
  let count = 0;
  while (pending.length) {
    const place = pending.pop();
    count++;
    for (let at = firstChild[place]; at; at = nextSibling[at]) pending.push(at);
  }
  return count;
}

function everyPlace(tree) {
  return Array.from({ length: tree.size - 1 }, (_, index) => index + 1);
}

function sum(values, places) {
  let total = 0;
  for (const place of places) total += values[place];
  return total;
}
