// One transaction, with its power and energy over time.

import { read } from "./api.js";
import { lines, pointedAt } from "./chart.js";
import { fill, h, paced } from "./dom.js";
import { to } from "./route.js";
import { listen } from "./stream.js";
import { oddities, state } from "./transactions.js";
import { delivered, duration, energy, lasting, place, time } from "./units.js";

const PAUSE_MS = 2000;

export const title = ({ parts }) => `Transaction ${parts[0] ?? ""}`;

export async function show(root, { parts }, signal) {
  const path = `transactions/${encodeURIComponent(parts[0] ?? "")}`;
  const load = async () => {
    const { transaction, power } = await read(path, {}, signal);
    if (!pointedAt(root)) {
      fill(root, head(transaction), charts(transaction, power), facts(transaction));
    }
    return transaction;
  };
  const { station } = await load();
  const soon = paced(() => load().catch(() => {}), PAUSE_MS, signal);
  listen({ station }, {
    transaction: (row) => row.id === parts[0] && soon(), again: soon,
  }, signal);
}

function head(row) {
  return h("header", { class: "head" },
    h("h1", {}, "Transaction ", h("span", { class: "mono" }, row.transaction_id)),
    h("p", { class: "row" }, state(row), oddities(row),
      h("a", { href: to("station", row.station) }, `Station ${row.station}`)),
    h("dl", { class: "figures" }, [
      ["Energy", energy(delivered(row))], ["Duration", duration(lasting(row))],
      ["Connector", place(row.evse, row.connector) || "–"], ["Token", row.token ?? "–"],
    ].map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))));
}

/** Power and energy of a transaction: {points: [[ms, W]], energy: [[ms, Wh]], derived}. */
export function charts(row, { points, energy: readings, derived }) {
  const since = Number(document.documentElement.dataset.since);
  const late = row.begin_observed_ms < since && h("p", { class: "quiet" },
    "It began before the console reads what happened (", h("code", {}, "--since"),
    "): its curves begin at ", time(since, { clock: true }), ".");
  if (!points.length && !readings.length) {
    return [h("p", { class: "quiet" }, "No meter value of it is kept here."), late];
  }
  const start = Number(row.meter_begin_wh ?? readings[0]?.[1]);
  const kilo = ([ms, value]) => [ms, value / 1000];
  return [h("div", { class: "charts" },
    points.length > 0 && h("div", { class: "panel" }, lines({
      label: derived ? "Power, by the energy" : "Power", unit: "kW", points: points.map(kilo) })),
    readings.length > 0 && h("div", { class: "panel" }, lines({
      label: "Energy", unit: "kWh", tone: "two",
      points: readings.map(([ms, wh]) => kilo([ms, wh - start])) }))), late];
}

const SHOWN = [["begin_ms", "Begun, by the station's clock"], ["begin_observed_ms", "Begin seen"],
  ["end_ms", "Ended, by the station's clock"], ["end_observed_ms", "End seen"],
  ["meter_begin_wh", "Meter at the beginning"], ["meter_last_wh", "Last reading"],
  ["meter_end_wh", "Meter at the end"], ["reason", "Reason"], ["charging_state", "Charging state"],
  ["token_type", "Token type"], ["token_group", "Token's group"], ["status", "Token's status"],
  ["stop_token", "Stopped with"], ["offline", "Partly offline"], ["reservation", "Reservation"],
  ["remote_start", "Remote start"], ["updates", "Updates"], ["seq_missing", "Frames missing"],
  ["start_repeats", "Start repeated"], ["stop_repeats", "Stop repeated"], ["id", "Fleet-wide id"]];

function facts(row) {
  const known = SHOWN.filter(([name]) => row[name] !== null && row[name] !== undefined);
  return h("section", { class: "panel" }, h("h2", {}, "All that is known"),
    h("dl", { class: "facts" }, known.map(([name, label]) =>
      [h("dt", {}, label), h("dd", {}, fact(name, row[name]))])));
}

function fact(name, value) {
  if (name.endsWith("_ms")) return time(value);
  if (name.endsWith("_wh")) return energy(value);
  return typeof value === "boolean" ? (value ? "yes" : "no") : value;
}
