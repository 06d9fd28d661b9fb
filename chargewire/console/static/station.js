// One station: how it is, what it says, what it charges, how it is set, and what it is asked.

import { read } from "./api.js";
import { pointedAt } from "./chart.js";
import { commanding } from "./commanding.js";
import { configuration } from "./configuration.js";
import { cell, plugs, presence } from "./connectors.js";
import { conversation } from "./conversation.js";
import { empty, fill, h, paced } from "./dom.js";
import { results } from "./results.js";
import { to } from "./route.js";
import { listen } from "./stream.js";
import { tabs } from "./tabs.js";
import { charts } from "./transaction.js";
import { listed } from "./transactions.js";
import { ago, delivered, duration, energy, lasting, place, time } from "./units.js";

const PAUSE_MS = 1000;
const TELLING = new Set(["metering", "transactions", "provisioning"]); // what changes this page

const BOOT = {
  booted_ms: "Booted", reason: "Reason", serial: "Serial number",
  box_serial: "Charge box serial number", iccid: "ICCID", imsi: "IMSI", meter_type: "Meter type",
  meter_serial: "Meter serial number", registration_status: "Registration",
  interval_s: "Heartbeat interval", remote_address: "Address",
  security_profile: "Security profile", close_reason: "Last connection ended by",
};

export const title = ({ parts }) => parts[0] ?? "Station";

export async function show(root, { parts }, signal) {
  const [id, tab] = parts;
  const path = `stations/${encodeURIComponent(id ?? "")}`;
  const first = await read(path, {}, signal);
  const asking = results(signal);
  const top = h("header", { class: "head" });
  const charging = h("div", { class: "stack" });
  const boot = h("div", {});
  const settings = configuration(id, asking, () => load(), signal);

  function draw(station) {
    fill(top, head(station));
    if (!pointedAt(charging)) fill(charging, charged(station));
    fill(boot, booted(station));
    settings.show(station.configuration);
  }

  async function load() {
    draw(await read(path, {}, signal));
  }

  const soon = paced(() => load().catch(() => {}), PAUSE_MS, signal);
  let talked = () => {};
  draw(first);
  fill(root, top, tabs({
    conversation: ["Conversation", async (box) => {
      talked = await conversation(box, id, signal);
    }],
    charging: ["Charging", (box) => fill(box, charging)],
    configuration: ["Configuration", (box) => fill(box, settings.element)],
    command: ["Commands", (box) => commanding(box, id, asking, signal)],
    boot: ["Boot data", (box) => fill(box, boot)],
  }, tab, (name) => history.replaceState(null, "", to("station", id, name))));
  listen({ station: id }, {
    station: soon, transaction: soon, result: asking.heard,
    event: (event) => {
      talked();
      if (TELLING.has(event.topic)) soon();
    },
    again: () => {
      soon();
      talked();
      asking.again();
    },
  }, signal);
}

function head(station) {
  const facts = [["OCPP", station.ocpp_version], ["Gateway", station.gateway],
    ["Model", [station.vendor, station.model].filter(Boolean).join(" ")],
    ["Firmware", station.firmware], ["Group", station.group]].filter(([, value]) => value);
  return [h("div", { class: "row" }, h("h1", {}, station.station), presence(station),
    h("span", { class: "quiet" }, station.connected ? "for " : "since ", ago(station.since_ms),
      station.last_ms ? [" · last heard ", ago(station.last_ms), " ago"] : null)),
  h("dl", { class: "figures" }, facts.map(([name, value]) =>
    h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
  h("ul", { class: "plugs", "aria-label": "Connectors" }, plugs(station).map((one) =>
    h("li", {}, cell(one, station.connected),
      h("span", {}, h("strong", {}, place(one.evse, one.connector) || "station"), " ",
        one.status ?? "unknown", one.error && one.error !== "NoError"
          ? h("span", { class: "tag bad" }, one.error) : null),
      h("span", { class: "quiet" }, one.since_ms ? ago(one.since_ms) : ""))))];
}

function charged(station) {
  const rows = station.transactions ?? [];
  const open = rows.filter((row) => row.state === "open");
  if (!rows.length) {
    return empty("It has no transaction yet.", "The consumer ", h("code", {}, "transactions"),
      " writes them as soon as somebody charges.");
  }
  return [open.length ? open.map((row) => ongoing(row, station.power))
    : h("p", { class: "quiet" }, "Nobody is charging now."),
  h("section", {}, h("h2", {}, "Its last transactions"), listed(rows))];
}

function ongoing(row, power) {
  const link = to("transaction", row.id);
  const facts = [["Energy", energy(delivered(row))], ["Duration", duration(lasting(row))],
    ["Token", row.token ?? "–"]];
  return h("section", { class: "stack" },
    h("h2", {}, "Charging now at ",
      h("a", { href: link }, `connector ${place(row.evse, row.connector)}`)),
    h("dl", { class: "figures" }, facts.map(([name, value]) =>
      h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    power?.id === row.id ? charts(row, power)
      : h("p", {}, h("a", { href: link }, "Its power and energy")));
}

function booted(station) {
  const known = Object.entries(station.boot ?? {})
    .filter(([, value]) => value !== null && value !== undefined);
  if (!known.length) {
    return empty("It has not told who it is.", "A BootNotification says so; ",
      h("code", {}, "TriggerMessage"), " asks for one.");
  }
  return h("section", { class: "panel" }, h("h2", {}, "What it told when it booted and connected"),
    h("dl", { class: "facts" }, known.map(([name, value]) => [h("dt", {}, BOOT[name] ?? name),
      h("dd", {}, name.endsWith("_ms") ? time(value)
        : name.endsWith("_s") ? duration(1000 * value) : value)])));
}
