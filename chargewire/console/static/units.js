// Times, amounts and places as people read them.

import { h } from "./dom.js";

const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

function utc(ms) {
  return new Date(ms).toISOString().replace("T", " ").replace("Z", " UTC");
}

/** The time of day in the viewer's zone, 21:47:03, the same in every language. */
export function ofDay(ms) {
  const at = new Date(ms);
  return [at.getHours(), at.getMinutes(), at.getSeconds()]
    .map((n) => String(n).padStart(2, "0")).join(":");
}

function dated(at, text) {
  const today = at.toDateString() === new Date().toDateString();
  return today ? text : `${DAY.format(at)}, ${text}`;
}

function marked(at, text) {
  return h("time", { datetime: at.toISOString(), title: `${utc(at)} (shown: ${ZONE})` }, text);
}

function readable(ms) {
  return ms !== null && ms !== undefined && !Number.isNaN(new Date(ms).getTime());
}

/** A time in the viewer's zone, its title in UTC; with `clock` today's without the day. */
export function time(ms, { clock = false } = {}) {
  if (!readable(ms)) return "–";
  const at = new Date(ms);
  return marked(at, clock ? dated(at, ofDay(ms)) : `${DAY.format(at)}, ${ofDay(ms)}`);
}

/** The time of day with milliseconds, for lines of a log; with `day` that, too, if not today. */
export function instant(ms, { day = false } = {}) {
  if (!readable(ms)) return "–";
  const at = new Date(ms);
  const text = `${ofDay(ms)}.${String(at.getMilliseconds()).padStart(3, "0")}`;
  return marked(at, day ? dated(at, text) : text);
}

/** Milliseconds as 12 s, 4 min 10 s, 3 h 5 min, 2 d 4 h. */
export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  const seconds = Math.max(0, Math.round(ms / 1000));
  const [d, hours, m, sec] = [
    Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60, seconds % 60,
  ];
  if (d) return `${d} d ${hours} h`;
  if (hours) return `${hours} h ${m} min`;
  return m ? `${m} min ${sec} s` : `${sec} s`;
}

/** How long ago, with the time as its title; it goes on as long as it is on the page. */
export function ago(ms) {
  if (!readable(ms)) return "–";
  return h("time", { datetime: new Date(ms).toISOString(), title: utc(ms), "data-since": ms },
    duration(Date.now() - ms));
}

setInterval(() => {
  if (document.hidden) return;
  for (const one of document.querySelectorAll("time[data-since]")) {
    const text = duration(Date.now() - Number(one.dataset.since));
    if (one.textContent !== text) one.textContent = text;
  }
}, 1000);

/** A number with a sensible count of digits. */
export function figure(value, digits = 2) {
  return Number(value).toLocaleString(undefined, {
    maximumFractionDigits: digits, minimumFractionDigits: 0,
  });
}

/** Watt-hours, text or number, as kWh. */
export function energy(wh) {
  return wh === null || wh === undefined ? "–" : `${(Number(wh) / 1000).toFixed(3)} kWh`;
}

/** Watts as kW. */
export function power(watts) {
  return watts === null || watts === undefined ? "–" : `${figure(watts / 1000)} kW`;
}

/** A size in bytes. */
export function bytes(size) {
  return size < 1024 ? `${size} B` : `${figure(size / 1024, 1)} KiB`;
}

/** EVSE and connector, as far as they are known: 2.1. */
export function place(evse, connector) {
  const known = [evse, connector].filter((n) => n !== null && n !== undefined);
  return (known[0] === 0 && known.length > 1 ? known.slice(1) : known).join(".");
}

/** What a transaction has delivered by now, in Wh; null if nobody knows. */
export function delivered(row) {
  if (row.energy_wh !== null && row.energy_wh !== undefined) return Number(row.energy_wh);
  if (row.meter_begin_wh === null || row.meter_last_wh === null) return null;
  const wh = Number(row.meter_last_wh) - Number(row.meter_begin_wh);
  return Number.isFinite(wh) ? Math.max(0, wh) : null;
}

/** When a transaction began: by the station's clock, else when it was first seen. */
export function begun(row) {
  return row.begin_ms ?? row.begin_observed_ms;
}

/** How long a transaction has taken, or takes by now, in ms. */
export function lasting(row) {
  if (row.duration_ms !== null && row.duration_ms !== undefined) return row.duration_ms;
  const begin = begun(row);
  return row.state === "open" && begin ? Date.now() - begin : null;
}
