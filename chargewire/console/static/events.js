// What stations and gateways say, as it happens.

import { read } from "./api.js";
import { choice, empty, fill, h, labelled, paced } from "./dom.js";
import { opening, pretty } from "./json.js";
import { remember, to } from "./route.js";
import { listen } from "./stream.js";
import { figure, instant } from "./units.js";

const KEPT = 500; // lines on the page
const PAUSE_MS = 200;
const ARROWS = { from_station: ["→", "from the station"], to_station: ["←", "to the station"] };
const BAD = new Set(["error", "result_error", "rejected", "refused"]);

export const title = () => "Live events";

export async function show(root, { filters }, signal) {
  const chosen = {};
  for (const name of ["station", "action", "topic", "direction", "q"]) {
    chosen[name] = filters.get(name) ?? "";
  }
  const { topics, prefix } = await read("about", {}, signal);
  const shown = lines(prefix, signal);
  const pause = h("button", { type: "button", "aria-pressed": "false" }, "Pause");
  let listening = new AbortController();
  let stale = false; // something was lost while it was paused
  signal.addEventListener("abort", () => listening.abort());

  async function start() {
    stale = false;
    listening.abort();
    listening = new AbortController();
    const { events } = await read("events", { ...chosen, limit: 200 }, listening.signal);
    shown.begin(events, Object.values(chosen).some(Boolean));
    listen(chosen, { event: shown.take, again,
      // The server may have started anew, and cannot know how many.
      lost: ({ count }) => (count === null ? again() : shown.lose(count)),
    }, listening.signal);
  }

  const restart = () => start().catch((error) => {
    if (error.name !== "AbortError") fill(shown.state, error.message);
  });
  const again = () => {
    if (pause.getAttribute("aria-pressed") === "true") stale = true; // what stands there stays
    else restart();
  };
  const changed = () => {
    remember(chosen, "events");
    restart();
  };
  pause.addEventListener("click", () => {
    const paused = shown.turn();
    pause.textContent = paused ? "Go on" : "Pause";
    pause.setAttribute("aria-pressed", String(paused));
    if (!paused && stale) restart();
  });

  fill(root, h("h1", {}, "Live events"),
    h("div", { class: "filters", role: "search" },
      ["station", "action"].map((name) => typed(name, chosen, changed, signal)),
      picked("Topic", "topic", [["", "All"], ...topics.map((one) => [one, one])], chosen, changed),
      picked("Direction", "direction",
        [["", "Both"], ["from_station", "From stations"], ["to_station", "To stations"]],
        chosen, changed),
      typed("q", chosen, changed, signal, "Text"), pause),
    shown.state, shown.list);
  await start();
}

/** The lines on the page: new ones come in on top, or wait while it is paused. */
function lines(prefix, signal) {
  const list = h("ol", { class: "lines", "aria-label": "Events, the newest first" });
  const state = h("p", { class: "quiet", role: "status" });
  let known = new Set(); // ids of those that were there at the beginning
  let waiting = [];
  let paused = false;
  let lost = 0;

  function tell() {
    const held = waiting.length >= KEPT ? `the last ${KEPT}` : figure(waiting.length);
    fill(state, paused ? `Paused; ${held} new events wait.` : "Live.",
      lost ? ` ${figure(lost)} events were lost on the way here: they came faster than this page`
        + " reads. The log has them all; a filter helps." : "");
  }

  function flush() {
    if (!paused && waiting.length) {
      list.querySelector(".empty")?.parentElement.remove();
      list.prepend(...waiting.reverse().map((event) => line(event, prefix)));
      waiting = [];
      while (list.childElementCount > KEPT) list.lastElementChild.remove();
    }
    tell();
  }

  const soon = paced(flush, PAUSE_MS, signal);
  return {
    list,
    state,
    begin: (events, filtered) => {
      known = new Set(events.map((event) => event.id));
      [waiting, lost] = [[], 0];
      fill(list, events.length ? events.map((event) => line(event, prefix))
        : h("li", {}, empty("Nothing was said yet.",
          "Events appear here by themselves. ", filtered && "Perhaps the filters leave nothing.")));
      tell();
    },
    take: (event) => {
      if (known.delete(event.id)) return;
      waiting.push(event);
      if (waiting.length > KEPT) waiting.shift();
      soon();
    },
    lose: (count) => {
      lost += count;
      tell();
    },
    turn: () => {
      paused = !paused;
      flush();
      return paused;
    },
  };
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

function line(event, prefix) {
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
    h("span", { class: "quiet" }, ` ${prefix}${event.topic}`), pretty(event.payload ?? event)]));
}
