// What a station is set to, as it last told, and the command that has it told again.

import { read, token } from "./api.js";
import { empty, fill, h, labelled, table } from "./dom.js";
import { askForToken } from "./token.js";
import { time } from "./units.js";

// Action -> its payload: whichever of them the station's version has.
const READINGS = {
  GetConfiguration: () => ({}),
  GetBaseReport: () => ({ requestId: Date.now() % 2 ** 31, reportBase: "FullInventory" }),
};
const SETTLED_MS = [500, 2000, 5000]; // a report comes in frames of its own, after the answer

/** {element, show(configuration)}; `changed` has the station read again. */
export function configuration(station, asking, changed, signal) {
  const place = h("div", {});
  const state = h("p", { class: "quiet", role: "status" });
  const search = h("input", { type: "search", on: { input: () => draw() } });
  let known = null;

  async function ask() {
    if (!token()) {
      askForToken();
      return;
    }
    try {
      const { actions } = await read("actions", { station }, signal);
      const action = Object.keys(READINGS).find((one) => actions.some((row) => row.action === one));
      fill(state, `${action} is on its way …`);
      const [, result] = await asking.ask({ station, action, payload: READINGS[action](),
        expires_in_s: 60 });
      const { outcome, error_description: why } = await result;
      fill(state, outcome === "answered" ? "The station answered." : `${outcome} ${why ?? ""}`);
      for (const pause of SETTLED_MS) setTimeout(() => signal.aborted || changed(), pause);
    } catch (error) {
      fill(state, error.status === 401 ? "The token is not the right one." : error.message);
    }
  }

  function draw() {
    if (!known) {
      fill(place, empty("Its configuration is not known here.", "Read it: the station is asked for "
        + "all of it, and its answer is shown here."));
      return;
    }
    const word = search.value.trim().toLowerCase();
    const values = known.values.filter((one) =>
      [one.component, one.name, one.value].join(" ").toLowerCase().includes(word));
    const whose = known.values.some((one) => one.component);
    const count = `${values.length} of ${known.values.length} values, read `;
    fill(place, h("p", { class: "quiet" }, count, time(known.read_ms)), table("Configuration",
      [...(whose ? ["Component"] : []), "Name", "Value", "May be changed"],
      values.map((one) => h("tr", {},
        whose ? h("td", {}, one.component ?? "") : null,
        h("th", { scope: "row", class: "mono" }, one.name),
        h("td", { class: "mono value" }, one.value ?? "–"),
        h("td", {}, one.readonly === null || one.readonly === undefined ? "–"
          : one.readonly ? "no" : "yes")))));
  }

  draw();
  return {
    element: h("div", { class: "stack" }, h("div", { class: "filters" }, labelled("Filter", search),
      h("button", { type: "button", on: { click: ask } }, "Read configuration"), state), place),
    show: (found) => {
      // What is scrolled to stays where it is.
      if (JSON.stringify(found) === JSON.stringify(known)) return;
      known = found;
      draw();
    },
  };
}
