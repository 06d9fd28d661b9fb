// Shows the view that the address names, and leaves it in good order.

import { keep, read, token } from "./api.js";
import { banner } from "./banner.js";
import { empty, fill, h } from "./dom.js";
import * as events from "./events.js";
import * as rejected from "./rejected.js";
import { here, part } from "./route.js";
import * as schemas from "./schemas.js";
import * as station from "./station.js";
import * as stations from "./stations.js";
import { askForToken } from "./token.js";
import * as transaction from "./transaction.js";
import * as transactions from "./transactions.js";

const VIEWS = {
  __proto__: null, stations, station, events, transactions, transaction, rejected, schemas,
};
const UNDER = { station: "stations", transaction: "transactions" };
const THEMES = ["auto", "light", "dark"];
const [SOON_MS, LATER_MS] = [2000, 15_000];

const main = document.getElementById("main");
let leaving = new AbortController();

async function show() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const place = here();
  const view = VIEWS[place.view];
  mark(UNDER[place.view] ?? place.view);
  const root = h("div", { class: `view ${place.view}` });
  fill(main, root);
  window.scrollTo(0, 0);
  if (!view) {
    fill(root, empty("There is no such page.", h("a", { href: "#/stations" }, "All stations")));
    return;
  }
  document.title = `${view.title(place)} · chargewire`;
  try {
    await view.show(root, place, signal);
  } catch (error) {
    if (error.name !== "AbortError") fill(root, failed(error));
  }
}

function failed(error) {
  const again = h("button", { type: "button", on: { click: show } }, "Try again");
  return h("div", { class: "empty", role: "alert" },
    h("p", { class: "title" }, error.status === 404 ? "There is nothing here." : "That failed."),
    h("p", {}, error.message), again);
}

function mark(view) {
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === `#/${view}`) {
      link.setAttribute("aria-current", "page");
      link.scrollIntoView({ block: "nearest", inline: "nearest" });
    } else link.removeAttribute("aria-current");
  }
}

async function about() {
  let ready = false;
  try {
    const found = await read("about");
    ready = found.ready;
    fill(document.getElementById("about"), `${found.version} · ${found.prefix}*`);
    document.documentElement.dataset.commands = found.may_command ? "yes" : "no";
    document.documentElement.dataset.since = found.keeps.since_ms;
    const why = found.problems.join("; ");
    banner("reading", ready ? null : `What is shown is old, or not complete: ${why}.`);
  } catch (error) {
    banner("reading", error.message);
  }
  // Kafka may go away at any time, and come back.
  setTimeout(about, ready ? LATER_MS : SOON_MS);
  tokenButton();
}

function tokenButton() {
  const button = document.getElementById("token");
  fill(button, token() ? "Token given" : "Read-only");
  button.onclick = () => (token() ? keep("") : askForToken());
  button.title = token() ? "Commands may be sent; a click forgets the token"
    : "Give a token, to ask stations for something";
}

function theme() {
  const button = document.getElementById("theme");
  const name = () => document.documentElement.dataset.theme ?? "auto";
  button.textContent = `Theme: ${name()}`;
  button.onclick = () => {
    const next = THEMES[(THEMES.indexOf(name()) + 1) % THEMES.length];
    if (next === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    localStorage.setItem("chargewire-theme", next);
    button.textContent = `Theme: ${next}`;
  };
}

/** Who has the token may open the page with it: #token=… is kept, and taken out of sight. */
function tokenGiven() {
  const given = /^#token=(.+)$/.exec(location.hash);
  if (!given) return;
  keep(part(given[1]));
  history.replaceState(null, "", "#/stations");
}

document.addEventListener("token", tokenButton);
window.addEventListener("hashchange", () => {
  tokenGiven();
  show();
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address is the view's
  main.focus();
});
tokenGiven();
theme();
await about();
show();
