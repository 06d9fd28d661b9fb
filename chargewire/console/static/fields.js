// Single values of a form: text, number, choice, time, anything; each says what is wrong with it.

import { h } from "./dom.js";

let made = 0;

/** A time in UTC as the text of an input, to the second. */
function utc(ms) {
  return new Date(ms).toISOString().slice(0, 19);
}

/**
 * The part of a form for one value: {element, value(), problems(), at(), wrong()}.
 * `value()` is undefined where nothing was entered.
 */
export function field(schema, { name, required, value }) {
  const id = `field-${++made}`;
  const kind = kindOf(schema);
  const control = CONTROLS[kind](schema, value, required);
  const input = control.input;
  input.id = id;
  const note = h("p", { class: "wrong", id: `${id}-wrong`, hidden: true });
  const hint = hinted(schema, kind);
  const help = hint ? h("p", { class: "hint", id: `${id}-hint` }, hint) : null;
  input.setAttribute("aria-describedby", `${id}-wrong${help ? ` ${id}-hint` : ""}`);
  if (required) input.setAttribute("aria-required", "true");
  const part = {
    element: h("div", { class: "entry" },
      h("label", { for: id }, name, required ? h("span", { class: "must" }, " required") : null),
      h("div", { class: "row" }, input, control.more), help, note),
    value: () => (input.value.trim() === "" ? undefined : control.read(input.value)),
    problems: () => {
      if (input.value.trim() === "") return required ? ["is required"] : [];
      const problem = control.check?.(input.value.trim());
      return problem ? [problem] : [];
    },
    checked: () => {
      const [problem] = part.problems();
      part.wrong(problem ?? null);
      return problem ? [part] : [];
    },
    at: () => part,
    wrong: (text) => {
      note.textContent = text ?? "";
      note.hidden = !text;
      input.setAttribute("aria-invalid", String(Boolean(text)));
    },
    focus: () => input.focus(),
  };
  input.addEventListener("input", () => part.wrong(null));
  return part;
}

function kindOf(schema) {
  if (schema.enum) return "choice";
  if (schema.type === "string") return schema.format === "date-time" ? "time" : "text";
  return schema.type in CONTROLS ? schema.type : "json";
}

const CONTROLS = {
  text: (schema, value) => {
    const long = (schema.maxLength ?? 0) > 255;
    const properties = {
      maxlength: schema.maxLength, autocomplete: "off", spellcheck: "false", value: value ?? "",
    };
    const input = h(long ? "textarea" : "input", properties);
    return { input, read: (text) => text };
  },
  choice: (schema, value) => {
    const input = h("select", {}, h("option", { value: "" }, "–"),
      schema.enum.map((one) => h("option", { value: one, selected: one === value }, one)));
    return { input, read: (text) => schema.enum.find((one) => String(one) === text) };
  },
  boolean: (schema, value) => {
    const input = h("select", {}, h("option", { value: "" }, "–"), ["true", "false"].map((one) =>
      h("option", { value: one, selected: one === String(value) }, one)));
    return { input, read: (text) => text === "true" };
  },
  integer: (schema, value) => figures(schema, value, /^-?\d+$/, "is no whole number", "numeric"),
  number: (schema, value) => figures(schema, value, /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/,
    "is no number", "decimal"),
  time: (schema, value) => {
    const input = h("input", {
      type: "datetime-local", step: "1", value: value ? utc(Date.parse(value)) : "",
    });
    const now = h("button", {
      type: "button", class: "plain", on: {
        click: () => {
          input.value = utc(Date.now());
          input.dispatchEvent(new Event("input", { bubbles: true }));
        },
      },
    }, "Now");
    return { input, more: [h("span", { class: "quiet" }, "UTC"), now],
      read: (text) => `${text.length === 16 ? `${text}:00` : text}Z` };
  },
  json: (schema, value) => {
    const input = h("textarea", {
      spellcheck: "false", value: value === undefined ? "" : JSON.stringify(value),
    });
    const parsed = (text) => {
      try {
        return JSON.parse(text);
      } catch {
        return undefined;
      }
    };
    return { input, read: parsed,
      check: (text) => (parsed(text) === undefined ? "is no JSON" : null) };
  },
};

function figures(schema, value, form, wrong, mode) {
  const { minimum: least = -Infinity, maximum: most = Infinity } = schema;
  // No type=number: what a browser cannot read there, it hides.
  const input = h("input", { inputmode: mode, autocomplete: "off", value: value ?? "" });
  return { input, read: (text) => (form.test(text.trim()) ? Number(text) : text),
    check: (text) => {
      if (!form.test(text)) return wrong;
      if (Number(text) < least) return `is below ${least}`;
      return Number(text) > most ? `is above ${most}` : null;
    } };
}

/** What a schema says for people, without the numbers of the standard's own model before it. */
export function worded(description) {
  return (description ?? "").replace(/\s+/g, " ").replace(/^.*urn:x-\S+ ?/, "").trim();
}

function hinted(schema, kind) {
  const limits = [];
  if (kind === "json") limits.push("JSON");
  if (kind === "integer") limits.push("whole number");
  if (schema.minimum !== undefined && schema.maximum !== undefined) {
    limits.push(`${schema.minimum} to ${schema.maximum}`);
  } else if (schema.minimum !== undefined) limits.push(`at least ${schema.minimum}`);
  else if (schema.maximum !== undefined) limits.push(`at most ${schema.maximum}`);
  if (schema.maxLength) limits.push(`at most ${schema.maxLength} characters`);
  return [worded(schema.description), limits.join(", ")].filter(Boolean).join(" · ");
}
