// Charts as SVG: lines over time, and bars; drawn anew for the width that there is.

import { fill, h, s } from "./dom.js";
import { figure, ofDay } from "./units.js";

const [LEFT, RIGHT, TOP, BOTTOM, HEIGHT] = [52, 12, 12, 26, 210];

/** Round numbers that span low to high. */
export function ticks(low, high, count = 4) {
  const span = high - low || 1;
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= raw);
  const first = Math.ceil(low / step);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => (first + at) * step);
}

const STEPS_MS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600,
  43200, 86400, 172800, 604800].map((seconds) => seconds * 1000);

function times(from, to, count) {
  const step = STEPS_MS.find((one) => one >= (to - from) / count) ?? STEPS_MS.at(-1);
  const zone = new Date(from).getTimezoneOffset() * 60000;
  const first = Math.ceil((from - zone) / step) * step + zone;
  const found = [];
  for (let at = first; at <= to; at += step) found.push(at);
  return [found, step];
}

function clock(ms, step) {
  const at = new Date(ms);
  if (step >= 86400000) return at.toLocaleDateString(undefined, { day: "numeric", month: "short" });
  return at.toLocaleTimeString(undefined, {
    hour: "2-digit", minute: "2-digit", hourCycle: "h23",
    ...(step < 60000 ? { second: "2-digit" } : {}),
  });
}

/** Whether the viewer reads values from a chart in there: then it had better stay as it is. */
export function pointedAt(place) {
  return place.querySelector(".chart svg:hover, .chart svg:focus") !== null;
}

/** A box that calls draw(width) now and whenever its width changes. */
function drawn(label, draw) {
  const box = h("figure", { class: "chart" });
  let width = 0;
  new ResizeObserver(([entry]) => {
    const now = Math.round(entry.contentRect.width);
    if (now && now !== width) {
      width = now;
      fill(box, h("figcaption", {}, label), ...draw(width));
    }
  }).observe(box);
  return box;
}

/** Values over time: points are [ms, value], already in `unit`. */
export function lines({ label, unit, points, tone = "one" }) {
  const sorted = points.filter(([at, value]) => Number.isFinite(at) && Number.isFinite(value))
    .sort((a, b) => a[0] - b[0]);
  return drawn(`${label} (${unit})`, (width) => curve(width, { label, unit, tone }, sorted));
}

function curve(width, { label, unit, tone }, points) {
  if (!points.length) return [h("p", { class: "quiet" }, "No reading yet.")];
  const values = points.map(([, value]) => value);
  const low = Math.min(0, ...values);
  const high = Math.max(...values, low + 0.1) * 1.05;
  const [from, to] = [points[0][0], Math.max(points.at(-1)[0], points[0][0] + 1000)];
  const x = (ms) => LEFT + ((ms - from) / (to - from)) * (width - LEFT - RIGHT);
  const y = (value) => TOP + (1 - (value - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const path = points.map(([at, value], n) =>
    `${n ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  const area = `${path}L${x(points.at(-1)[0]).toFixed(1)} ${y(low)}L${LEFT} ${y(low)}Z`;
  const [marks, step] = times(from, to, Math.max(2, Math.floor(width / 110)));
  const hair = s("line", { class: "hair", y1: TOP, y2: HEIGHT - BOTTOM, visibility: "hidden" });
  const dot = s("circle", { class: `dot ${tone}`, r: 4, visibility: "hidden" });
  const read = h("output", { class: "read" });
  const summary = `${label}: ${points.length} readings, the last ${figure(values.at(-1))} ${unit}, `
    + `at most ${figure(Math.max(...values))} ${unit}. Arrow keys read the values.`;
  let at = points.length - 1;

  function point(index) {
    at = Math.min(points.length - 1, Math.max(0, index));
    const [ms, value] = points[at];
    for (const [name, set] of [["x1", x(ms)], ["x2", x(ms)]]) hair.setAttribute(name, set);
    dot.setAttribute("cx", x(ms));
    dot.setAttribute("cy", y(value));
    for (const one of [hair, dot]) one.setAttribute("visibility", "visible");
    read.textContent = `${ofDay(ms)}: ${figure(value)} ${unit}`;
  }
  const near = (event) => {
    const left = event.currentTarget.getBoundingClientRect().left;
    const ms = from + ((event.clientX - left - LEFT) / (width - LEFT - RIGHT)) * (to - from);
    point(points.reduce((best, [one], n) =>
      Math.abs(one - ms) < Math.abs(points[best][0] - ms) ? n : best, 0));
  };
  const keys = (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!move) return;
    event.preventDefault();
    point(at + move);
  };
  return [s("svg", {
    width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", tabindex: "0",
    "aria-label": summary, on: { pointermove: near, pointerdown: near, keydown: keys },
  }, grid(width, ticks(low, high), y),
  // A label at the very edge would be cut off.
  marks.filter((ms) => x(ms) > LEFT + 8 && x(ms) < width - 32).map((ms) =>
    s("text", { x: x(ms), y: HEIGHT - 8, "text-anchor": "middle" }, clock(ms, step))),
  s("path", { class: `area ${tone}`, d: area }), s("path", { class: `curve ${tone}`, d: path }),
  hair, dot), read];
}

function grid(width, values, y) {
  return values.map((value) => [
    s("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }),
    s("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, figure(value))]);
}

/** Bars: {value, title, href, tone} each, from left to right. */
export function bars({ label, unit, items }) {
  return drawn(`${label} (${unit})`, (width) => {
    const high = Math.max(...items.map((one) => one.value), 0.1) * 1.05;
    const y = (value) => TOP + (1 - value / high) * (HEIGHT - TOP - BOTTOM);
    const room = (width - LEFT - RIGHT) / items.length;
    const thick = Math.max(1, Math.min(28, room * 0.75));
    return [s("svg", {
      width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "group",
      "aria-label": `${label}: ${items.length} bars, the highest `
        + `${figure(Math.max(...items.map((one) => one.value)))} ${unit}`,
    }, grid(width, ticks(0, high), y),
    items.map((one, n) => s("a", { href: one.href, "aria-label": one.title },
      s("rect", {
        class: `bar ${one.tone}`, x: LEFT + n * room + (room - thick) / 2, y: y(one.value),
        width: thick, height: Math.max(1, HEIGHT - BOTTOM - y(one.value)),
        rx: Math.min(3, thick / 3),
      }, s("title", {}, one.title)))),
    s("text", { x: LEFT, y: HEIGHT - 8 }, "older"),
    s("text", { x: width - RIGHT, y: HEIGHT - 8, "text-anchor": "end" }, "newer"))];
  });
}
