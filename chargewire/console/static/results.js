// The commands that this page has sent to a station, and what came of each.

import { command, read } from "./api.js";
import { fill, h, say } from "./dom.js";
import { pretty } from "./json.js";
import { instant } from "./units.js";

const TONES = { answered: "free", call_error: "bad", bad_answer: "bad", invalid: "bad",
  unsupported: "bad", timeout: "wait", offline: "off", expired: "off", connection_lost: "wait" };
const MEANINGS = {
  answered: "The station answered.", call_error: "The station answered with an error.",
  bad_answer: "The station's answer does not fit the schema.", timeout: "No answer came in time.",
  offline: "The station was not connected.", expired: "It expired before it could be sent.",
  invalid: "The payload does not fit the station's version.",
  unsupported: "The station's version has no such action.",
  connection_lost: "The connection ended before an answer came.",
};
const LOOK_AGAIN_MS = 5000;

/** {element, ask(asking), heard(result), again()}: a list that results are put into. */
export function results(signal) {
  const element = h("ol", { class: "results", "aria-live": "polite", "aria-label": "Commands" });
  const nothing = h("li", { class: "quiet" }, "Nothing was asked yet. Results appear here by "
    + "themselves.");
  const waiting = new Map(); // command_id -> [its place, what is called with the result]
  const early = new Map(); // a result may be here before the answer that has its id
  element.append(nothing);

  function ended(result) {
    const [place, done] = waiting.get(result.command_id) ?? [];
    if (!place) {
      early.set(result.command_id, result);
      if (early.size > 100) early.delete(early.keys().next().value);
      return;
    }
    waiting.delete(result.command_id);
    fill(place, outcome(result));
    say(`${result.action ?? "Command"}: ${result.outcome}`);
    done(result);
  }

  async function look(id) {
    if (!waiting.has(id) || signal.aborted) return;
    const found = await read(`commands/${encodeURIComponent(id)}`, {}, signal).catch(() => null);
    if (found?.outcome) ended(found);
    else if (waiting.has(id)) setTimeout(() => look(id), LOOK_AGAIN_MS);
  }

  return {
    element,
    heard: ended,
    again: () => [...waiting.keys()].forEach(look),
    /** Send; resolves to [command_id, promise of the result]. Raises Refused. */
    ask: async (asking) => {
      const { command_id: id } = await command(asking);
      const place = h("div", {}, h("span", { class: "pill wait" }, "waiting"));
      nothing.remove();
      element.prepend(h("li", {}, h("p", { class: "row" }, h("strong", {}, asking.action),
        instant(Date.now()), h("span", { class: "quiet mono" }, id)),
      h("details", {}, h("summary", {}, "Asked"), pretty(asking.payload)), place));
      const result = new Promise((done) => waiting.set(id, [place, done]));
      if (early.has(id)) ended(early.get(id));
      else setTimeout(() => look(id), LOOK_AGAIN_MS);
      return [id, result];
    },
  };
}

function outcome(result) {
  const response = typeof result.response === "string" ? parsed(result.response) : result.response;
  return [h("p", { class: "row" },
    h("span", { class: `pill ${TONES[result.outcome] ?? "off"}` }, result.outcome),
    typeof response?.status === "string" ? h("strong", {}, response.status) : null,
    h("span", { class: "quiet" }, MEANINGS[result.outcome] ?? "")),
  result.error_code ? h("p", {}, h("code", {}, result.error_code), " ",
    result.error_description ?? "") : null,
  response === null || response === undefined ? null : pretty(response)];
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
