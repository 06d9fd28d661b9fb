// What is wrong with all of the page, in one place on top of it.

import { fill } from "./dom.js";

const texts = new Map();

/** Show a text about a matter, or with null take it away. */
export function banner(matter, text) {
  if (text === null) texts.delete(matter);
  else texts.set(matter, text);
  const place = document.getElementById("banner");
  fill(place, [...texts.values()].join(" "));
  place.hidden = texts.size === 0;
}
