// All stations: counted, mapped connector by connector, listed, and live.

import { read } from "./api.js";
import { cells, legend, presence } from "./connectors.js";
import { choice, empty, fill, h, labelled, paced, table } from "./dom.js";
import { remember, to } from "./route.js";
import { listen } from "./stream.js";
import { ago, figure } from "./units.js";

const [PAGE, MOST] = [200, 1000];
const PAUSE_MS = 1500;
const AGAIN_MS = 60_000; // when a station was last heard is told by nothing else
const STATES = [["", "All"], ["connected", "Connected"], ["offline", "Offline"],
  ["charging", "Charging"], ["faulted", "Faulted"]];
const HEADS = ["Station", "State", "Connectors", "OCPP", "Model", "Firmware", "Gateway",
  { number: "Open" }, { number: "Last heard" }];
const TONES = { connected: "free", offline: "off", charging: "busy", faulted: "bad" };

export const title = () => "Stations";

export async function show(root, { filters }, signal) {
  const chosen = { q: filters.get("q") ?? "", state: filters.get("state") ?? "" };
  const counters = h("div", { class: "counters", role: "group", "aria-label": "Filter by state" });
  const count = h("p", { class: "quiet", role: "status" });
  const more = h("button", { type: "button", class: "plain", hidden: true }, "Show more");
  const fleet = shownStations();
  let size = PAGE;

  async function load() {
    const found = await read("stations", { ...chosen, limit: size }, signal);
    fill(counters, STATES.map((one) => counter(one, found.counts, chosen, choose)));
    fleet.show(found.stations, chosen);
    fill(count, `${figure(found.stations.length)} of ${figure(found.total)} stations`);
    more.hidden = !found.next || size === MOST;
  }

  function choose(name, value) {
    chosen[name] = value;
    size = PAGE;
    remember(chosen, "stations");
    pick.value = chosen.state;
    again();
  }

  const again = () => load().catch((error) => {
    if (error.name !== "AbortError") fill(count, error.message);
  });
  const soon = paced(again, PAUSE_MS, signal);
  const typed = paced(() => choose("q", search.value.trim()), 200, signal);
  const search = h("input", {
    type: "search", value: chosen.q, placeholder: "Id, vendor, model …", on: { input: typed },
  });
  const pick = choice(STATES, chosen.state, (state) => choose("state", state));
  more.addEventListener("click", () => {
    size = Math.min(size + PAGE, MOST);
    again();
  });

  fill(root, h("h1", {}, "Stations"), counters,
    h("div", { class: "filters", role: "search" }, labelled("Search", search),
      labelled("State", pick), count),
    h("section", { class: "panel" }, h("h2", {}, "Connectors"), legend(), fleet.map),
    h("section", {}, h("h2", { class: "unseen" }, "List"), fleet.list, more));
  await load();
  const timer = setInterval(() => document.hidden || again(), AGAIN_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  const heard = (station) => {
    fleet.change(station);
    soon(); // counters, and who is new or no longer fits the filter
  };
  listen({}, { station: heard, again }, signal);
}

/** The stations on the page, each as a tile of the map and as a row of the list. */
function shownStations() {
  const map = h("div", { class: "map" });
  const list = h("div", {});
  const shown = new Map(); // station -> {station, tile, row}

  return {
    map,
    list,
    show: (stations, chosen) => {
      shown.clear();
      for (const station of stations) {
        shown.set(station.station, { station, tile: tile(station), row: row(station) });
      }
      const all = [...shown.values()];
      fill(map, all.length ? all.map((one) => one.tile) : nothing(chosen));
      fill(list, all.length ? table("Stations", HEADS, all.map((one) => one.row)) : null);
    },
    change: (station) => {
      const old = shown.get(station.station);
      if (!old) return;
      const flash = changed(old.station, station);
      const fresh = { station, tile: tile(station, flash), row: row(station) };
      old.tile.replaceWith(fresh.tile);
      old.row.replaceWith(fresh.row);
      shown.set(station.station, fresh);
    },
  };
}

function counter([state, text], counts, chosen, choose) {
  return h("button", {
    type: "button", class: `counter ${TONES[state] ?? ""}`,
    "aria-pressed": String(chosen.state === state), on: { click: () => choose("state", state) },
  }, h("strong", {}, figure(counts[state || "all"])), h("span", {}, text));
}

function changed(old, station) {
  const told = (of) => JSON.stringify([of.connected, of.connectors.map((one) => one.status)]);
  return told(old) !== told(station);
}

function nothing(chosen) {
  return chosen.q || chosen.state
    ? empty("No station fits.", "Take back the search or the filter.")
    : empty("No station has ever connected.", "Point one at the gateway, ",
      h("code", {}, "ws://HOST:9000/ocpp/<station id>"), ", or simulate some: ",
      h("code", {}, "make run"), ".");
}

function tile(station, flash = false) {
  return h("a", {
    class: `tile${station.connected ? "" : " gone"}${flash ? " flash" : ""}`,
    href: to("station", station.station),
  }, h("span", { class: "name" }, station.station), h("span", { class: "cells" }, cells(station)));
}

function row(station) {
  const open = station.open_transactions;
  return h("tr", {},
    h("th", { scope: "row" }, h("a", { href: to("station", station.station) }, station.station)),
    h("td", {}, presence(station)),
    h("td", { class: "cells" }, cells(station)),
    h("td", {}, station.ocpp_version ?? "–"),
    h("td", { class: "wide" }, [station.vendor, station.model].filter(Boolean).join(" ") || "–"),
    h("td", { class: "wide" }, station.firmware ?? "–"),
    h("td", {}, station.gateway ?? "–"),
    h("td", { class: "number" }, open ? figure(open) : "–"),
    h("td", { class: "number" }, ago(station.last_ms)));
}
