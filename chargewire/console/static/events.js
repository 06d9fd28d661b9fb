// What stations and gateways say, as it happens.

import { read } from "./api.js";
import { choice, empty, fill, h, labelled, paced } from "./dom.js";
import { opening, pretty } from "./json.js";
import { remember, to } from "./route.js";
import { listen } from "./stream.js";
import { figure, instant } from "./units.js";

const KEPT = 500; // lines on the page
const PAUSE_MS = 200;
const TOPICS = ["connections", "rejected", "command-results", "authorization", "availability",
  "battery-swap", "bidirectional", "certificates", "data-transfer", "der-control", "diagnostics",
  "display", "firmware", "local-list", "metering", "provisioning", "remote-control", "reservation",
  "security", "smart-charging", "tariff", "transactions"];
const ARROWS = { from_station: ["→", "from the station"], to_station: ["←", "to the station"] };
const BAD = new Set(["error", "result_error", "rejected", "refused"]);

export const title = () => "Live events";

export async function show(root, { filters }, signal) {
  const chosen = {};
  for (const name of ["station", "action", "topic", "direction", "q"]) {
    chosen[name] = filters.get(name) ?? "";
  }
  const list = h("ol", { class: "lines", "aria-label": "Events, the newest first" });
  const state = h("p", { class: "quiet", role: "status" });
  const pause = h("button", { type: "button", "aria-pressed": "false" }, "Pause");
  let listening = new AbortController();
  let waiting = [];
  let paused = false;
  let lost = 0;
  signal.addEventListener("abort", () => listening.abort());

  const flush = () => {
    if (!paused && waiting.length) {
      list.querySelector(".empty")?.parentElement.remove();
      const fresh = waiting.slice(-KEPT).reverse().map(line);
      waiting = [];
      list.prepend(...fresh);
      while (list.childElementCount > KEPT) list.lastElementChild.remove();
    }
    tell();
  };
  const soon = paced(flush, PAUSE_MS, signal);

  function tell() {
    const held = waiting.length >= KEPT ? `the last ${KEPT}` : figure(waiting.length);
    fill(state, paused ? `Paused; ${held} new events wait.` : "Live.",
      lost ? ` ${figure(lost)} events were lost on the way here: they came faster than this page`
        + " reads. The log has them all; a filter helps." : "");
  }

  function take(event) {
    waiting.push(event);
    if (waiting.length > KEPT) waiting.shift();
    soon();
  }

  async function start() {
    listening.abort();
    listening = new AbortController();
    const mine = listening.signal;
    waiting = [];
    lost = 0;
    const found = await read("events", { ...chosen, limit: 200 }, mine);
    const known = new Set(found.events.map((event) => event.id));
    fill(list, found.events.length ? found.events.map(line) : h("li", {}, empty(
      "Nothing was said yet.", "Events appear here by themselves. ",
      Object.values(chosen).some(Boolean) ? "Perhaps the filters leave nothing." : "")));
    tell();
    listen(chosen, {
      event: (event) => {
        if (known.delete(event.id)) return;
        take(event);
      },
      lost: ({ count }) => {
        if (count === null) { // the server has started anew, and cannot know
          restart();
          return;
        }
        lost += count;
        tell();
      },
      again: restart,
    }, mine);
  }

  const restart = () => start().catch((error) => {
    if (error.name !== "AbortError") fill(state, error.message);
  });
  const changed = () => {
    remember(chosen, "events");
    restart();
  };
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Go on" : "Pause";
    pause.setAttribute("aria-pressed", String(paused));
    flush();
  });

  fill(root, h("h1", {}, "Live events"),
    h("div", { class: "filters", role: "search" },
      ["station", "action"].map((name) => typed(name, chosen, changed, signal)),
      picked("Topic", "topic", [["", "All"], ...TOPICS.map((one) => [one, one])], chosen, changed),
      picked("Direction", "direction",
        [["", "Both"], ["from_station", "From stations"], ["to_station", "To stations"]],
        chosen, changed),
      typed("q", chosen, changed, signal, "Text"), pause),
    state, list);
  await start();
}

function typed(name, chosen, changed, signal, label) {
  const later = paced(() => {
    chosen[name] = input.value.trim();
    changed();
  }, 300, signal);
  const input = h("input", { type: "search", value: chosen[name], on: { input: later } });
  return labelled(label ?? name[0].toUpperCase() + name.slice(1), input);
}

function picked(label, name, options, chosen, changed) {
  return labelled(label, choice(options, chosen[name], (value) => {
    chosen[name] = value;
    changed();
  }, label));
}

function line(event) {
  const [arrow, meaning] = ARROWS[event.direction] ?? ["·", ""];
  const bad = BAD.has(event.kind) || event.topic === "rejected";
  const parts = h("span", { class: "line" },
    instant(event.at_ms),
    h("span", { class: "who" }, event.station ?? "–"),
    h("span", { class: "arrow", title: meaning, "aria-label": meaning || null }, arrow),
    h("span", { class: "what" }, event.action ?? event.topic),
    h("span", { class: "kind" }, event.kind ?? ""),
    h("span", { class: "told" }, event.summary ?? ""));
  return h("li", { class: bad ? "bad" : null }, opening({}, parts, () => [
    event.station && h("a", { href: to("station", event.station) }, `Station ${event.station}`),
    h("span", { class: "quiet" }, ` ocpp.${event.topic}`), pretty(event.payload ?? event)]));
}
