// Connectors as small cells: a letter and a colour for each status.

import { h } from "./dom.js";
import { place } from "./units.js";

// Status -> [letter, tone, what it means]; those of OCPP 1.6 and of 2.x.
const STATUSES = {
  __proto__: null, // a station may send any word
  Available: ["A", "free", "free"],
  Preparing: ["P", "wait", "somebody is about to charge"],
  Charging: ["C", "busy", "charging"],
  Occupied: ["O", "busy", "in use"],
  SuspendedEV: ["S", "wait", "the vehicle takes nothing"],
  SuspendedEVSE: ["S", "wait", "the station gives nothing"],
  Finishing: ["F", "wait", "still plugged in"],
  Reserved: ["R", "kept", "reserved"],
  Unavailable: ["U", "off", "not in operation"],
  Faulted: ["!", "bad", "faulted"],
};
const LEGEND = ["Available", "Preparing", "Charging", "Occupied", "SuspendedEV", "Finishing",
  "Reserved", "Unavailable", "Faulted"];

function looks(status) {
  return STATUSES[status] ?? ["?", "off", "unknown"];
}

/** The connectors that one can plug into; the whole station only if there is nothing else. */
export function plugs(station) {
  const real = station.connectors.filter((one) => one.connector || one.evse);
  const named = real.filter((one) => one.connector);
  return named.length ? named : real.length ? real : station.connectors;
}

/** One cell for a connector; where its station is offline the status is the last one known. */
export function cell(connector, connected = true) {
  const [letter, tone] = looks(connector.status);
  const at = place(connector.evse, connector.connector) || "station";
  const error = connector.error && connector.error !== "NoError" ? `, ${connector.error}` : "";
  const text = `${at}: ${connector.status ?? "unknown"}${error}${connected ? "" : " (offline)"}`;
  return h("span", {
    class: `cell ${tone}${connected ? "" : " gone"}`, title: text, role: "img", "aria-label": text,
  }, letter);
}

/** All cells of a station. */
export function cells(station) {
  const shown = plugs(station);
  if (!shown.length) return h("span", { class: "quiet" }, "no status yet");
  return shown.map((one) => cell(one, station.connected));
}

/** What the letters mean. */
export function legend() {
  const known = LEGEND.map((status) => STATUSES[status]);
  return h("ul", { class: "legend", "aria-label": "What the letters mean" },
    [...known, ["A", "free gone", "offline"]].map(([letter, tone, meaning]) => h("li", {},
      h("span", { class: `cell ${tone}`, "aria-hidden": "true" }, letter), meaning)));
}

/** A pill that says whether a station is there. */
export function presence(station) {
  return station.connected
    ? h("span", { class: "pill free" }, "connected")
    : h("span", { class: "pill off" }, "offline");
}
