// The frames of a station as a conversation: calls with their answers, side by side.

import { read } from "./api.js";
import { empty, fill, h, paced } from "./dom.js";
import { brief, opening, pretty } from "./json.js";
import { duration, instant } from "./units.js";

const PAGE = 60;
const PAUSE_MS = 400;
const MOST = 1000; // frames on the page, unless the viewer has older ones loaded
const ANSWERS = new Set(["result", "error", "result_error"]);

/** Fill a place with the newest frames of a station; returns what to call when there are more. */
export async function conversation(place, station, signal) {
  const frames = new Map(); // event_id -> frame
  const list = h("ol", { class: "talk", "aria-label": "Frames, the newest first" });
  const older = h("button", { type: "button", class: "plain", hidden: true }, "Load older");
  const path = `stations/${encodeURIComponent(station)}/frames`;
  const drawn = new Map(); // key of an exchange -> [what it was made of, its element]
  let next = null;
  let most = MOST;

  function draw() {
    const shown = exchanges([...frames.values()]);
    if (!shown.length) {
      fill(list, h("li", {}, nothing()));
      return;
    }
    const items = shown.map((one) => {
      const made = [one.call, one.answer].map((frame) => frame?.event_id).join();
      if (drawn.get(one.key)?.[0] !== made) {
        drawn.set(one.key, [made, exchange(one)]);
      }
      return drawn.get(one.key)[1];
    });
    // Only what is new is put in: what the viewer has opened stays open.
    items.forEach((item, at) => {
      if (list.children[at] !== item) list.insertBefore(item, list.children[at] ?? null);
    });
    while (list.childElementCount > items.length) list.lastElementChild.remove();
    const keys = new Set(shown.map((one) => one.key));
    for (const key of drawn.keys()) if (!keys.has(key)) drawn.delete(key);
  }

  async function load(before) {
    const found = await read(path, { limit: PAGE, before }, signal);
    for (const frame of found.frames) frames.set(frame.event_id, frame);
    if (before || next === null) next = found.next ?? "";
    if (before) most = frames.size + MOST;
    else drop();
    older.hidden = !next;
    draw();
  }

  /** A page that is left open for days must not grow without end. */
  function drop() {
    if (frames.size <= most + PAGE) return;
    const kept = [...frames.values()].sort(newestFirst).slice(0, most);
    frames.clear();
    for (const frame of kept) frames.set(frame.event_id, frame);
    next = `${kept.at(-1).epoch}-${kept.at(-1).sequence}`;
  }

  const fresh = paced(() => load().catch(() => {}), PAUSE_MS, signal);
  older.addEventListener("click", () => load(next));
  fill(place, h("div", { class: "talk-heads", "aria-hidden": "true" },
    h("span", {}, "Station"), h("span", {}, "Gateway")), list, older);
  await load();
  return fresh;
}

function nothing() {
  return empty("No frame of this station is kept.", "The console keeps those since its start and a "
    + "while before it (", h("code", {}, "--since"), "). What comes next appears here.");
}

function newestFirst(a, b) {
  return b.epoch - a.epoch || b.sequence - a.sequence;
}

/** Calls joined with their answers, the newest first; beginnings and ends of connections alone. */
export function exchanges(frames) {
  const made = new Map();
  for (const frame of [...frames].sort(newestFirst)) {
    const answers = ANSWERS.has(frame.kind) && frame.call_sequence !== null
      && frame.call_sequence !== undefined;
    const key = `${frame.epoch}/${answers ? frame.call_sequence : frame.sequence}`;
    const one = made.get(key) ?? { key, epoch: frame.epoch };
    one.sequence = answers ? frame.call_sequence : frame.sequence;
    one[answers ? "answer" : "call"] = frame;
    made.set(key, one);
  }
  return [...made.values()].sort(newestFirst);
}

function turn({ action, at_ms: at, payload }) {
  const said = brief(payload, 90);
  return h("li", { class: "turn" }, h("span", {}, `${action} · `, instant(at, { day: true }),
    said ? ` · ${said}` : ""));
}

function exchange({ call, answer }) {
  if (call && !call.direction) return turn(call);
  const took = call && answer && awaited(call) ? answer.at_ms - call.at_ms : null;
  return h("li", { class: "exchange" }, call ? bubble(call) : null,
    answer ? bubble(answer, took) : call.kind === "call" ? waiting(call) : null);
}

/** Whether somebody else had to answer: what the gateway says by itself is recorded with the call,
 * and how long Kafka takes to acknowledge both does not show in the times of the two. */
function awaited(call) {
  return call.direction === "to_station" || call.decided;
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
    h("span", { class: "head" }, h("strong", {}, word), instant(frame.at_ms, { day: true }),
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
