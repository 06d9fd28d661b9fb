// Transactions of all stations, with their energy.

import { read } from "./api.js";
import { bars } from "./chart.js";
import { choice, empty, fill, h, labelled, paced, table } from "./dom.js";
import { remember, to } from "./route.js";
import { listen } from "./stream.js";
import { begun, delivered, duration, energy, figure, lasting, place, time } from "./units.js";

const PAGE = 50;
const PAUSE_MS = 2000;
const STATES = [["", "All"], ["open", "Open"], ["ended", "Ended"]];
const HEADS = ["Transaction", "Station", "At", "Token", "Begin", { number: "Duration" },
  { number: "Energy" }, "State", "Anomalies"];

export const title = () => "Transactions";

export async function show(root, { filters }, signal) {
  const chosen = {};
  for (const name of ["q", "station", "state"]) chosen[name] = filters.get(name) ?? "";
  const chart = h("div", { class: "panel" });
  const list = h("div", {});
  const count = h("p", { class: "quiet", role: "status" });
  const newer = h("button", { type: "button", class: "plain", hidden: true }, "Newest");
  const older = h("button", { type: "button", class: "plain", hidden: true }, "Older");
  let after = "";
  let next = null;

  async function load() {
    const found = await read("transactions", { ...chosen, limit: PAGE, after }, signal);
    const rows = found.transactions;
    next = found.next;
    fill(list, rows.length ? table("Transactions", HEADS, rows.map(row)) : nothing(chosen));
    chart.hidden = !rows.length;
    if (rows.length) fill(chart, energies(rows));
    fill(count, `${figure(found.total)} ${found.total === 1 ? "transaction" : "transactions"}`);
    older.hidden = !next;
    newer.hidden = !after;
  }

  const again = () => load().catch((error) => {
    if (error.name !== "AbortError") fill(count, error.message);
  });
  const changed = (name, value) => {
    chosen[name] = value;
    after = "";
    remember(chosen, "transactions");
    again();
  };
  const typed = (name, label, hint) => {
    const later = paced(() => changed(name, input.value.trim()), 300, signal);
    const input = h("input", {
      type: "search", value: chosen[name], placeholder: hint, on: { input: later },
    });
    return labelled(label, input);
  };
  older.addEventListener("click", () => {
    after = next;
    again();
  });
  newer.addEventListener("click", () => {
    after = "";
    again();
  });

  fill(root, h("h1", {}, "Transactions"),
    h("div", { class: "filters", role: "search" }, typed("q", "Search", "Id, token …"),
      typed("station", "Station"),
      labelled("State", choice(STATES, chosen.state, (value) => changed("state", value))), count),
    chart, list, h("div", { class: "row" }, newer, older));
  await load();
  listen({ station: chosen.station }, {
    transaction: paced(() => !after && again(), PAUSE_MS, signal), again,
  }, signal);
}

function nothing(chosen) {
  return Object.values(chosen).some(Boolean)
    ? empty("No transaction fits.", "Take back a filter.")
    : empty("There is no transaction yet.", "They come from the consumer ",
      h("code", {}, "transactions"), ": run ", h("code", {}, "chargewire consume transactions"),
      " with ", h("code", {}, "CHARGEWIRE_PUBLISH"), " on, and let somebody charge.");
}

function energies(rows) {
  return bars({
    label: "Energy of the transactions below", unit: "kWh",
    items: rows.map((one) => ({
      value: (delivered(one) ?? 0) / 1000,
      title: `${one.station}, ${one.transaction_id}: ${energy(delivered(one))}`,
      href: to("transaction", one.id),
      tone: one.anomalies ? "odd" : one.state === "open" ? "open" : "ended",
    })).reverse(),
  });
}

/** The state as a pill. */
export function state(row) {
  return row.state === "open" ? h("span", { class: "pill busy" }, "open")
    : h("span", { class: "pill off" }, row.reason ?? "ended");
}

/** The names of what is odd, one tag each. */
export function oddities(row) {
  return (row.anomalies ?? "").split(" ").filter(Boolean)
    .map((name) => h("span", { class: "tag wait" }, name));
}

/** A table row. */
export function row(one) {
  const short = one.transaction_id.length > 13 ? `${one.transaction_id.slice(0, 8)}…`
    : one.transaction_id;
  return h("tr", {},
    h("th", { scope: "row" },
      h("a", { href: to("transaction", one.id), title: one.transaction_id }, short)),
    h("td", {}, h("a", { href: to("station", one.station) }, one.station)),
    h("td", {}, place(one.evse, one.connector) || "–"),
    h("td", {}, one.token ?? "–"),
    h("td", {}, time(begun(one), { clock: true })),
    h("td", { class: "number" }, duration(lasting(one))),
    h("td", { class: "number" }, energy(delivered(one))),
    h("td", {}, state(one)),
    h("td", {}, oddities(one)));
}

/** A small table of rows; used by the station's page. */
export function listed(rows) {
  return table("Transactions", HEADS, rows.map(row));
}
