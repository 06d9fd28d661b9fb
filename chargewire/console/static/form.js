// A form out of the schema of a payload: objects and lists around single fields.

import { fill, h } from "./dom.js";
import { field } from "./fields.js";

const LEFT_OUT = new Set(["customData"]); // the vendor's own data, in every object of 2.x

/** The part for any schema; `value` is what it begins with, undefined for nothing. */
export function part(schema, given) {
  if (schema.type === "object" && Object.keys(schema.properties ?? {}).length) {
    return object(schema, given);
  }
  return schema.type === "array" && schema.items ? list(schema, given) : field(schema, given);
}

/** Names of an object's fields, those that it must have first. */
export function order(schema) {
  const must = new Set(schema.required ?? []);
  const names = Object.keys(schema.properties).filter((name) => !LEFT_OUT.has(name));
  return [...names.filter((one) => must.has(one)), ...names.filter((one) => !must.has(one))];
}

function object(schema, { name, required, value }) {
  const inside = h("div", { class: "inside" });
  const note = h("p", { class: "wrong", hidden: true });
  const button = h("button", { type: "button", class: "plain" });
  let parts = null; // name -> part; null: the object is left out

  function put(values) {
    const must = new Set(schema.required ?? []);
    parts = new Map(order(schema).map((one) => [one, part(schema.properties[one], {
      name: one, required: must.has(one), value: values?.[one],
    })]));
    fill(inside, [...parts.values()].map((one) => one.element));
    button.textContent = `Remove ${name}`;
  }

  function leave() {
    parts = null;
    fill(inside);
    button.textContent = `Add ${name}`;
  }

  button.addEventListener("click", () => {
    if (parts) leave();
    else put({});
    button.dispatchEvent(new Event("input", { bubbles: true }));
  });
  if (required || value !== undefined) put(value);
  else leave();
  const whole = {
    element: name === undefined ? h("div", {}, note, inside) : h("fieldset", {},
      h("legend", {}, name, required ? h("span", { class: "must" }, " required") : null),
      required ? null : button, note, inside),
    value: () => (parts === null ? undefined : Object.fromEntries([...parts].map(
      ([one, of]) => [one, of.value()]).filter(([, found]) => found !== undefined))),
    checked: () => (parts === null ? [] : [...parts.values()].flatMap((one) => one.checked())),
    at: ([first, ...rest]) => parts?.get(first)?.at(rest) ?? whole,
    wrong: (text) => noted(note, text),
    focus: () => (parts?.size ? [...parts.values()][0] : { focus: () => button.focus() }).focus(),
  };
  return whole;
}

function list(schema, { name, required, value }) {
  const entries = h("div", { class: "inside" });
  const note = h("p", { class: "wrong", hidden: true });
  const least = Math.max(schema.minItems ?? 0, 0);
  const most = schema.maxItems ?? Infinity;
  const parts = [];
  const add = h("button", {
    type: "button", class: "plain", on: {
      click: () => {
        put(undefined).focus();
        add.dispatchEvent(new Event("input", { bubbles: true }));
      },
    },
  }, `Add ${name}`);

  function put(given) {
    const one = part(schema.items, { name: `${name} ${parts.length + 1}`, required: true,
      value: given });
    const box = h("div", { class: "item" }, one.element, h("button", {
      type: "button", class: "plain", "aria-label": `Remove this entry of ${name}`, on: {
        click: () => {
          add.dispatchEvent(new Event("input", { bubbles: true }));
          parts.splice(parts.indexOf(one), 1);
          box.remove();
          add.disabled = parts.length >= most;
        },
      },
    }, "Remove"));
    parts.push(one);
    entries.append(box);
    add.disabled = parts.length >= most;
    return one;
  }

  const begin = Array.from({ length: required ? Math.max(1, least) : 0 });
  (Array.isArray(value) ? value : begin).forEach((one) => put(one));
  const whole = {
    element: h("fieldset", {}, h("legend", {}, name,
      required ? h("span", { class: "must" }, " required") : null), note, entries, add,
    h("p", { class: "hint" }, sized(least, most))),
    value: () => (parts.length || required ? parts.map((one) => one.value() ?? null) : undefined),
    checked: () => {
      const few = parts.length < least && (required || parts.length);
      whole.wrong(few ? `needs at least ${least}` : null);
      return [...(few ? [whole] : []), ...parts.flatMap((one) => one.checked())];
    },
    at: ([first, ...rest]) => parts[Number(first)]?.at(rest) ?? whole,
    wrong: (text) => noted(note, text),
    focus: () => add.focus(),
  };
  return whole;
}

function sized(least, most) {
  if (most === Infinity) return least > 1 ? `at least ${least} entries` : "";
  return `${least} to ${most} entries`;
}

function noted(note, text) {
  note.textContent = text ?? "";
  note.hidden = !text;
}

/** A path as a server says it, $.a.b[0].c or a.b.0.c, as its segments. */
export function segments(path) {
  return (path ?? "").split(/[.[\]'"/$]+/).filter(Boolean);
}
