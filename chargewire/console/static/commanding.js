// Asks one station for something: choose an action, fill its form, see what came of it.

import { read, token } from "./api.js";
import { fill, h, labelled, say } from "./dom.js";
import { worded } from "./fields.js";
import { part, segments } from "./form.js";
import { pretty } from "./json.js";
import { howToGetOne, tokenForm } from "./token.js";

const EXPIRES_S = 60;

/** Fill a place with the form; `asking` is what results() made. */
export async function commanding(place, station, asking, signal) {
  const { version, actions } = await read("actions", { station }, signal);
  const blocks = new Map();
  for (const one of actions) blocks.set(one.block, [...(blocks.get(one.block) ?? []), one]);
  const body = h("div", {});
  const doc = h("p", { class: "hint" });
  const select = h("select", { name: "action" }, h("option", { value: "" }, "Choose an action …"),
    [...blocks].map(([block, of]) => h("optgroup", { label: block },
      of.map((one) => h("option", { value: one.action }, one.action)))));
  select.addEventListener("change", async () => {
    fill(doc, worded(actions.find((one) => one.action === select.value)?.doc));
    fill(body);
    if (!select.value) return;
    try {
      const action = select.value;
      const { form } = await read(`actions/${encodeURIComponent(action)}`, { station }, signal);
      if (action === select.value) payloadForm(body, { station, action, schema: form, asking });
    } catch (error) {
      if (error.name !== "AbortError") fill(body, h("p", { class: "wrong" }, error.message));
    }
  });
  const gate = h("div", {});
  const gated = () => fill(gate, token() ? null : h("div", { class: "notice" }, howToGetOne(),
    document.documentElement.dataset.commands === "no" ? null : tokenForm()));
  gated();
  document.addEventListener("token", gated, { signal });
  fill(place, h("div", { class: "commanding" },
    h("section", { class: "panel" }, h("h2", {}, "Ask the station"), gate,
      labelled(`Action (OCPP ${version})`, select), doc, body),
    h("section", { class: "panel" }, h("h2", {}, "What came of it"), asking.element)));
}

/** The payload as a form or as JSON, as the viewer likes: {element, mode, payload, wrong …}. */
function editor(schema) {
  let form = null;
  let json = null; // the text area, while the payload is written as JSON
  const inputs = h("div", { class: "payload" });
  const preview = h("div", {});
  const mode = h("button", { type: "button", class: "plain" });
  const fields = Object.keys(schema.properties ?? {}).some((one) => one !== "customData");
  const payload = () => (json ? JSON.parse(json.value) : form.value() ?? {});
  const shown = () => json || fill(preview, pretty(payload()));

  function asForm(value) {
    json = null;
    mode.textContent = "Write it as JSON";
    form = part({ ...schema, type: "object" }, { required: true, value });
    fill(inputs, fields ? form.element : h("p", { class: "quiet" }, "This action takes nothing."));
    shown();
  }

  function asJson() {
    json = h("textarea", { class: "json", rows: "12", spellcheck: "false",
      "aria-label": "Payload as JSON", value: JSON.stringify(payload(), null, 2) });
    mode.textContent = "Back to the form";
    fill(inputs, json);
    fill(preview);
  }

  inputs.addEventListener("input", () => queueMicrotask(shown));
  inputs.addEventListener("change", shown);
  asForm(undefined);
  return {
    element: [inputs, h("details", { open: true }, h("summary", {}, "Payload"), preview)],
    mode,
    payload, // raises SyntaxError
    turn: () => (json ? asForm(payload()) : asJson()), // raises SyntaxError
    missing: () => (json ? [] : form.checked()),
    blame: (path, text) => {
      if (json) return;
      const at = form.at(segments(path));
      at.wrong(text);
      at.focus();
    },
  };
}

function payloadForm(place, { station, action, schema, asking }) {
  const edited = editor(schema);
  const problem = h("p", { class: "wrong", role: "alert", hidden: true });
  const expires = h("input", { inputmode: "numeric", value: EXPIRES_S });
  const offline = h("select", {}, h("option", { value: "fail" }, "fail"),
    h("option", { value: "wait" }, "wait until it is back"));
  const send = h("button", { type: "submit" }, `Send ${action}`);
  const wrong = (text) => {
    problem.textContent = text ?? "";
    problem.hidden = !text;
  };

  function refused(error) {
    if (error instanceof SyntaxError) wrong("That is no JSON.");
    else if (error.status === 401) wrong("The token is not the right one.");
    else wrong(error.path ? `${error.path}: ${error.message}` : error.message);
    if (error.path) edited.blame(error.path, error.message);
  }

  async function submit(event) {
    event.preventDefault();
    const [first] = edited.missing();
    first?.focus();
    wrong(first ? "Something in the form is not right yet; see above."
      : token() ? null : "It takes the token to send this; see above.");
    if (first || !token()) return;
    send.disabled = true;
    try {
      await asking.ask({ station, action, payload: edited.payload(),
        expires_in_s: Number(expires.value), when_offline: offline.value });
      say(`${action} is on its way.`);
    } catch (error) {
      refused(error);
    }
    send.disabled = false;
  }

  edited.mode.addEventListener("click", () => {
    wrong(null);
    try {
      edited.turn();
    } catch (error) {
      refused(error);
    }
  });
  fill(place, h("form", { novalidate: true, on: { submit } }, edited.element,
    h("div", { class: "filters" }, labelled("Expires after (s)", expires),
      labelled("If it is offline", offline)),
    problem, h("div", { class: "row" }, send, edited.mode)));
}
