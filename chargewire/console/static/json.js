// JSON as people read it: in brief on a line, or whole and coloured.

import { fill, h, put, seen } from "./dom.js";

const LIMIT = 200_000; // characters that are coloured; more is one plain text
const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi;

/** A value as one line: connectorId=1 idTag=… and of a list the first entry. */
export function brief(value, limit = 140) {
  const text = pairs(value, "").join(" ");
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}

function pairs(value, name) {
  if (Array.isArray(value)) {
    if (!value.length) return [];
    return pairs(value[0], value.length > 1 ? `${name}[1/${value.length}]` : name);
  }
  if (value !== null && typeof value === "object") {
    return Object.entries(value).flatMap(([key, inner]) =>
      pairs(inner, name ? `${name}.${key}` : key));
  }
  if (value === null || value === undefined || value === "") return [];
  return [name ? `${name}=${value}` : String(value)];
}

/** A value as indented, coloured text. */
export function pretty(value) {
  const text = seen(JSON.stringify(value, null, 2) ?? "null");
  const box = h("pre", { class: "json", tabindex: "0" });
  if (text.length > LIMIT) {
    put(box, text);
    return box;
  }
  let from = 0;
  for (const match of text.matchAll(TOKEN)) {
    put(box, text.slice(from, match.index));
    const [all, string, colon] = match;
    const kind = colon ? "key" : string ? "string" : /^[-\d]/.test(all) ? "figure" : "word";
    put(box, h("span", { class: kind }, string ?? all), colon);
    from = match.index + all.length;
  }
  put(box, text.slice(from));
  return box;
}

/** Something that opens to show more, which is made only then. */
export function opening(properties, line, make) {
  const inside = h("div", { class: "opened" });
  return h("details", {
    ...properties, on: {
      toggle: (event) => {
        if (event.target.open && !inside.childNodes.length) fill(inside, make());
      },
    },
  }, h("summary", {}, line), inside);
}
