// Makes elements; whatever is said by others gets in as text, and as nothing else.

const SVG = "http://www.w3.org/2000/svg";

// Characters that are not seen, or turn what follows round: a station may send them.
const UNSEEN = new RegExp("[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u200b\\u200e\\u200f"
  + "\\u202a-\\u202e\\u2060-\\u2069\\ufeff]", "g");

/** A text as a person may safely see it. */
export function seen(text) {
  return String(text).replace(UNSEEN, "\ufffd");
}

function filled(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) {
        element.addEventListener(event, listener);
      }
    } else if (name === "value") {
      element.value = value;
    } else {
      element.setAttribute(name, value === true ? "" : seen(value));
    }
  }
  put(element, ...children);
  return element;
}

/** An HTML element: h("p", {class: "x", on: {click}}, "text", element, [more]). */
export function h(tag, properties, ...children) {
  return filled(document.createElement(tag), properties, children);
}

/** The same for SVG. */
export function s(tag, properties, ...children) {
  return filled(document.createElementNS(SVG, tag), properties, children);
}

/** Append children: elements, texts, lists of them; null and false are nothing. */
export function put(element, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    element.append(child instanceof Node ? child : seen(child));
  }
}

/** Have these children, and no others. */
export function fill(element, ...children) {
  element.replaceChildren();
  put(element, ...children);
  return element;
}

/** Say something to who cannot see it. */
export function say(text) {
  document.getElementById("said").textContent = seen(text);
}

/** A function that calls `act` at most every `pause_ms`, the last time after the last call. */
export function paced(act, pause_ms, signal) {
  let timer = 0;
  signal?.addEventListener("abort", () => clearTimeout(timer));
  return () => {
    if (timer || signal?.aborted) return;
    timer = setTimeout(() => {
      timer = 0;
      act();
    }, pause_ms);
  };
}

/** A list that is nothing yet, or no more: what it means, and what to do. */
export function empty(title, ...advice) {
  return h("div", { class: "empty" }, h("p", { class: "title" }, title), h("p", {}, ...advice));
}

/** A labelled control; the label is above it. */
export function labelled(label, control) {
  return h("label", { class: "field" }, h("span", {}, label), control);
}

/** A choice of [value, text] pairs. */
export function choice(options, value, change, label) {
  const select = h("select", { "aria-label": label, on: { change: () => change(select.value) } });
  for (const [of, text] of options) {
    put(select, h("option", { value: of, selected: of === (value ?? "") }, text));
  }
  return select;
}

/** A table in a box that scrolls by itself where the page is narrow. */
export function table(caption, heads, rows) {
  const head = heads.map((one) =>
    typeof one === "string" ? h("th", { scope: "col" }, one)
      : h("th", { scope: "col", class: "number" }, one.number));
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {}, h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows)));
}
