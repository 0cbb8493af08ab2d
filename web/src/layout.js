// Which frames are drawn: what is too small to see, or too far away, is folded.

import { pathsBelow } from "./tree.js";

const LEAST_SHARE = 0.0008; // of the zoomed frame: a pixel of a wide window
const MOST_FRAMES = 2000; // more would be slow to draw
const MOST_LEVELS = 200; // beyond the zoomed frame
const MOST_ABOVE = 12; // levels between it and the root

/** What d3-flame-graph draws for a zoomed frame, and what was left out.
 *
 * Each datum has a `frame`; or none, and the number of `paths` that it stands for.
 */
export function layOut(zoomed) {
  let share = LEAST_SHARE;
  let laidOut = below(zoomed, share);
  while (laidOut.isFull) {
    share *= 1.5;
    laidOut = below(zoomed, share);
  }
  let data = laidOut.data;
  for (const frame of shownAbove(zoomed)) {
    data = { frame, value: data.value, fade: true, children: [data] };
  }
  return { data, share, folded: laidOut.folded, tooDeep: laidOut.tooDeep };
}

function below(zoomed, share) {
  const least = share * zoomed.width;
  const data = { frame: zoomed, value: zoomed.width };
  const result = { data, folded: 0, tooDeep: 0, isFull: false };
  const pending = [data];
  let count = 1;
  while (pending.length) {
    const datum = pending.pop();
    const seen = [];
    const hidden = [];
    for (const child of datum.frame.children) {
      (child.width > 0 && child.width >= least ? seen : hidden).push(child);
    }
    const isTooDeep = datum.frame.depth - zoomed.depth >= MOST_LEVELS;
    if (isTooDeep) hidden.push(...seen.splice(0));
    datum.children = seen.map((frame) => ({ frame, value: frame.width }));
    pending.push(...datum.children);
    if (hidden.length) {
      const paths = hidden.reduce((total, frame) => total + pathsBelow(frame), 0);
      result[isTooDeep ? "tooDeep" : "folded"] += paths;
      const value = hidden.reduce((total, frame) => total + frame.width, 0);
      if (value >= least)
        datum.children.push({ frame: null, above: datum.frame, value, paths });
    }
    count += datum.children.length;
    if (count > MOST_FRAMES) return { ...result, isFull: true };
  }
  return result;
}

/** The frames towards the root that are drawn, the nearest first. */
function shownAbove(zoomed) {
  const found = [];
  for (let frame = zoomed.above; frame; frame = frame.above) {
    if (found.length < MOST_ABOVE || !frame.above) found.push(frame);
  }
  return found;
}
