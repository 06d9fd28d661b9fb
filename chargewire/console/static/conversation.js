// The frames of a station as a conversation: calls with their answers, side by side.

import { read } from "./api.js";
import { empty, fill, h, paced } from "./dom.js";
import { brief, opening, pretty } from "./json.js";
import { listen } from "./stream.js";
import { duration, instant, time } from "./units.js";

const PAGE = 60;
const PAUSE_MS = 400;
const ANSWERS = new Set(["result", "error", "result_error"]);

/** Fill a place with the newest frames of a station, and keep them up to date. */
export async function conversation(place, station, signal) {
  const frames = new Map(); // event_id -> frame
  let turns = []; // connected and disconnected
  const list = h("ol", { class: "talk", "aria-label": "Frames, the newest first" });
  const older = h("button", { type: "button", class: "plain", hidden: true }, "Load older");
  const path = `stations/${encodeURIComponent(station)}/frames`;
  const drawn = new Map(); // key of an exchange -> [what it was made of, its element]
  let next = null;

  function draw() {
    const shown = between(exchanges([...frames.values()]), turns);
    if (!shown.length) {
      fill(list, h("li", {}, nothing()));
      return;
    }
    const items = shown.map((one) => {
      const made = [one.call, one.answer].map((frame) => frame?.event_id).join();
      if (drawn.get(one.key)?.[0] !== made) {
        drawn.set(one.key, [made, one.turn ? turn(one.turn) : exchange(one)]);
      }
      return drawn.get(one.key)[1];
    });
    // Only what is new is put in: what the viewer has opened stays open.
    items.forEach((item, at) => {
      if (list.children[at] !== item) list.insertBefore(item, list.children[at] ?? null);
    });
    while (list.childElementCount > items.length) list.lastElementChild.remove();
  }

  async function load(before) {
    const [found, { events }] = await Promise.all([
      read(path, { limit: PAGE, before }, signal),
      read("events", { station, topic: "connections", limit: PAGE }, signal)]);
    turns = events;
    for (const frame of found.frames) frames.set(frame.event_id, frame);
    if (before || next === null) next = found.next ?? "";
    older.hidden = !next;
    draw();
  }

  const fresh = paced(() => load().catch(() => {}), PAUSE_MS, signal);
  older.addEventListener("click", () => load(next));
  fill(place, h("div", { class: "talk-heads", "aria-hidden": "true" },
    h("span", {}, "Station"), h("span", {}, "Gateway")), list, older);
  await load();
  listen({ station }, { event: fresh, again: fresh }, signal);
}

function nothing() {
  return empty("No frame of this station is kept.", "The console keeps those since its start and a "
    + "while before it (", h("code", {}, "--since"), "). What comes next appears here.");
}

/** Calls joined with their answers, the newest first. */
export function exchanges(frames) {
  const made = new Map();
  const ordered = [...frames].sort((a, b) =>
    (b.epoch ?? 0) - (a.epoch ?? 0) || (b.sequence ?? 0) - (a.sequence ?? 0));
  for (const frame of ordered) {
    const answers = ANSWERS.has(frame.kind) && frame.call_sequence !== null
      && frame.call_sequence !== undefined;
    const key = `${frame.epoch}/${answers ? frame.call_sequence : frame.sequence}`;
    const one = made.get(key) ?? { key, epoch: frame.epoch ?? 0 };
    one.order = answers ? frame.call_sequence : frame.sequence ?? 0;
    one[answers ? "answer" : "call"] = frame;
    made.set(key, one);
  }
  return [...made.values()].sort((a, b) => b.epoch - a.epoch || b.order - a.order);
}

/** The same with where connections begin and end put in, by time: these have no other place. */
function between(shown, events) {
  const oldest = shown.at(-1) ? began(shown.at(-1)) : -Infinity;
  const made = [...shown];
  for (const event of events) {
    if (event.at_ms < oldest && shown.length >= PAGE / 2) continue; // older than what is loaded
    const at = made.findIndex((one) => began(one) < event.at_ms);
    made.splice(at < 0 ? made.length : at, 0, { key: `turn ${event.id}`, turn: event });
  }
  return made;
}

function began({ call, answer, turn: event }) {
  return (event ?? call ?? answer).at_ms;
}

function turn(event) {
  return h("li", { class: "turn" }, h("span", {}, `${event.action} · `,
    time(event.at_ms, { clock: true }), event.summary ? ` · ${event.summary.slice(0, 90)}` : ""));
}

function exchange({ call, answer }) {
  const took = call && answer ? answer.at_ms - call.at_ms : null;
  return h("li", { class: "exchange" }, call ? bubble(call) : null,
    answer ? bubble(answer, took) : call.kind === "call" ? waiting(call) : null);
}

function waiting(call) {
  const from = call.direction === "from_station" ? "gateway" : "station";
  return h("div", { class: `bubble ${from} silent` }, "no answer kept");
}

function bubble(frame, took = null) {
  const bad = frame.rejected || frame.kind === "error" || frame.kind === "result_error";
  const side = frame.direction === "to_station" ? "gateway" : "station";
  const called = frame.kind === "call" || frame.kind === "send" || !frame.kind;
  const word = called ? frame.action ?? "frame" : `${frame.action ?? ""} ${frame.kind}`.trim();
  const line = h("span", { class: "said" },
    h("span", { class: "head" }, h("strong", {}, word), instant(frame.at_ms),
      took === null ? null : h("span", { class: "quiet", title: "after the call" },
        took < 1000 ? `${took} ms` : duration(took)),
      frame.command_id ? h("span", { class: "tag kept" }, "command") : null,
      (frame.deviations ?? []).map((rule) => h("span", { class: "tag wait" }, rule)),
      frame.rejected ? h("span", { class: "tag bad" }, frame.rejected.rule) : null),
    h("span", { class: "brief" }, said(frame)));
  return h("div", { class: `bubble ${side}${bad ? " bad" : ""}` },
    opening({}, line, () => inside(frame)));
}

function said(frame) {
  if (frame.rejected) return frame.text ?? "";
  if (frame.error) return brief(frame.error);
  return brief(frame.payload ?? {}) || "{}";
}

function inside(frame) {
  const facts = [["sequence", `${frame.epoch} / ${frame.sequence}`],
    ["message id", frame.message_id], ["command", frame.command_id],
    ["rule", frame.rejected && `${frame.rejected.rule} at ${frame.rejected.path ?? "the frame"}`]];
  return [h("dl", { class: "facts" }, facts.filter(([, value]) => value).map(([name, value]) =>
    [h("dt", {}, name), h("dd", {}, value)])),
  frame.error ? pretty(frame.error) : null,
  frame.text ? h("pre", { class: "json", tabindex: "0" }, frame.text)
    : frame.error ? null : pretty(frame.payload ?? {})];
}
