// Asks the viewer for the token with which commands are sent.

import { keep } from "./api.js";
import { h } from "./dom.js";

/** How to get a token, in a sentence or two. */
export function howToGetOne() {
  const none = document.documentElement.dataset.commands === "no";
  return none
    ? h("p", {}, "This console is read-only: it was started without a token. Who runs it sets ",
      h("code", {}, "CHARGEWIRE_CONSOLE_TOKEN"), " to a long random text and starts ",
      h("code", {}, "chargewire console"), " again; whoever has that text may send commands.")
    : h("p", {}, "Commands need a token: the text that ",
      h("code", {}, "CHARGEWIRE_CONSOLE_TOKEN"), " was set to when ",
      h("code", {}, "chargewire console"), " was started. Ask who runs it. It is kept in this tab "
      + "alone, and forgotten when the tab is closed.");
}

/** A small form for the token; `done` is called when one was given. */
export function tokenForm(done) {
  const input = h("input", {
    type: "password", name: "token", autocomplete: "off", required: true, "aria-label": "Token",
    placeholder: "Token",
  });
  return h("form", {
    class: "row", on: {
      submit: (event) => {
        event.preventDefault();
        keep(input.value.trim());
        done?.();
      },
    },
  }, input, h("button", { type: "submit" }, "Use this token"));
}

/** The same in a dialog. */
export function askForToken() {
  const none = document.documentElement.dataset.commands === "no";
  const close = h("button", {
    type: "button", class: "plain", on: { click: () => dialog.close() },
  }, "Close");
  const dialog = h("dialog", { "aria-label": "Token", on: { close: () => dialog.remove() } },
    h("h2", {}, none ? "Read-only" : "Send commands"), howToGetOne(),
    none ? null : tokenForm(() => dialog.close()), close);
  document.body.append(dialog);
  dialog.showModal();
}
