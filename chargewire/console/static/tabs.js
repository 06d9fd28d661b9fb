// Tabs: one panel at a time, each made when it is first shown.

import { fill, h } from "./dom.js";

/** `panels`: name -> [label, make(box)]; `chosen(name)` is told of each choice. */
export function tabs(panels, first, chosen) {
  const names = Object.keys(panels);
  const list = h("div", { class: "tabs", role: "tablist" });
  const buttons = new Map();
  const boxes = new Map();
  for (const name of names) {
    const box = h("div", {
      role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `tab-${name}`, hidden: true,
    });
    const button = h("button", {
      type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`,
      on: { click: () => choose(name), keydown: keys },
    }, panels[name][0]);
    buttons.set(name, button);
    boxes.set(name, box);
    list.append(button);
  }

  function choose(name, tell = true) {
    for (const one of names) {
      const is = one === name;
      buttons.get(one).setAttribute("aria-selected", String(is));
      buttons.get(one).tabIndex = is ? 0 : -1;
      boxes.get(one).hidden = !is;
    }
    requestAnimationFrame(() => // the first time it is not on the page yet
      buttons.get(name).scrollIntoView({ block: "nearest", inline: "nearest" }));
    const box = boxes.get(name);
    if (!box.childNodes.length) {
      Promise.resolve(panels[name][1](box)).catch((error) => {
        if (error.name !== "AbortError") fill(box, h("p", { class: "wrong" }, error.message));
      });
    }
    if (tell) chosen(name);
  }

  function keys(event) {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!move) return;
    const at = names.findIndex((name) => buttons.get(name) === event.target);
    const next = names[(at + move + names.length) % names.length];
    buttons.get(next).focus();
    choose(next);
  }

  choose(names.includes(first) ? first : names[0], false);
  return [list, ...boxes.values()];
}
