// Dead letters: frames that could not be taken, with the rule they break and what was answered.

import { read } from "./api.js";
import { empty, fill, h, labelled, paced } from "./dom.js";
import { remember, to } from "./route.js";
import { listen } from "./stream.js";
import { bytes, figure, time } from "./units.js";

const LIMIT = 100;
const PAUSE_MS = 1000;
const SHOWN = 20_000; // characters of a frame; the log has all of it

export const title = () => "Dead letters";

export async function show(root, { filters }, signal) {
  const chosen = { station: filters.get("station") ?? "" };
  const list = h("ol", { class: "letters", "aria-label": "Dead letters, the newest first" });
  const count = h("p", { class: "quiet", role: "status" });
  const known = new Map();

  async function load() {
    const { rejected } = await read("rejected", { ...chosen, limit: LIMIT }, signal);
    for (const one of rejected) {
      if (!known.has(one.event_id)) known.set(one.event_id, letter(one));
    }
    fill(list, rejected.length ? rejected.map((one) => known.get(one.event_id)) : h("li", {}, empty(
      "No frame was refused.", chosen.station ? "Perhaps the filter leaves nothing. " : "",
      "What cannot be taken appears here, with the rule that it breaks.")));
    fill(count, rejected.length === LIMIT ? `The last ${LIMIT} are shown.`
      : `${figure(rejected.length)} since the console began to read`);
  }

  const again = () => load().catch((error) => {
    if (error.name !== "AbortError") fill(count, error.message);
  });
  const input = h("input", {
    type: "search", value: chosen.station, on: {
      input: paced(() => {
        chosen.station = input.value.trim();
        remember(chosen, "rejected");
        again();
      }, 300, signal),
    },
  });
  fill(root, h("h1", {}, "Dead letters"),
    h("div", { class: "filters", role: "search" }, labelled("Station", input), count), list);
  await load();
  listen({ topic: "rejected" }, { event: paced(again, PAUSE_MS, signal), again }, signal);
}

function letter(one) {
  const text = one.text ?? "";
  const cut = text.length > SHOWN;
  return h("li", { class: "panel letter" },
    h("p", { class: "row" }, h("span", { class: "tag bad" }, one.rule),
      h("a", { href: to("station", one.station) }, one.station), time(one.at_ms, { clock: true }),
      h("span", { class: "quiet" }, `${bytes(one.size)} · OCPP ${one.ocpp_version} · `,
        one.direction === "to_station" ? "to the station" : "from the station")),
    one.path ? h("p", {}, "At ", h("code", {}, one.path)) : null,
    box("The frame", cut ? `${text.slice(0, SHOWN)}…` : text),
    cut && h("p", { class: "quiet" }, `Only the first ${figure(SHOWN)} characters are shown.`),
    one.answer ? box("Answered", one.answer) : h("p", { class: "quiet" }, "Nothing was answered."));
}

function box(label, text) {
  return [h("p", { class: "quiet" }, label),
    h("pre", { class: "json", tabindex: "0", "aria-label": label }, text)];
}
