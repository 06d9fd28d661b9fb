// Listens to the server's events, and goes on by itself when the connection was lost.

import { query } from "./api.js";
import { banner } from "./banner.js";

const PAUSES_MS = [1000, 2000, 5000, 10000];
const HIDDEN_MS = 30_000; // a browser has six connections to a host, and each tab would hold one

/**
 * Call `heard[name](data)` for each event until the signal aborts. `heard.again()` is called after
 * each gap, and where something was lost: what is shown may be old, so read it anew.
 */
export function listen(parameters, heard, signal) {
  const names = Object.keys(heard).filter((name) => name !== "again");
  const url = `api/stream${query({ ...parameters, only: names.join(",") })}`;
  let source = null;
  let tries = 0;
  let gap = false;
  let timer = 0;
  let leaving = 0;

  function open() {
    source = new EventSource(url);
    source.addEventListener("open", () => {
      tries = 0;
      banner("stream", null);
      if (gap) heard.again?.();
      gap = false;
    });
    source.addEventListener("error", () => {
      gap = true;
      banner("stream", "Connection to the console lost; trying again. What is shown may be old.");
      // The browser tries again by itself, unless the answer was no stream at all.
      if (source.readyState !== EventSource.CLOSED) return;
      timer = setTimeout(open, PAUSES_MS[Math.min(tries++, PAUSES_MS.length - 1)]);
    });
    if (!heard.lost) source.addEventListener("lost", () => heard.again?.());
    for (const name of names) {
      source.addEventListener(name, ({ data }) => heard[name](JSON.parse(data)));
    }
  }

  function close() {
    clearTimeout(timer);
    clearTimeout(leaving);
    source?.close();
    source = null;
    banner("stream", null);
  }

  function looked() {
    clearTimeout(leaving);
    if (document.hidden) leaving = setTimeout(close, HIDDEN_MS);
    else if (source === null) {
      gap = true;
      open();
    }
  }

  open();
  document.addEventListener("visibilitychange", looked, { signal });
  signal.addEventListener("abort", close);
}
