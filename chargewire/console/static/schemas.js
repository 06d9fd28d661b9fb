// The records of all topics, as a tree with their words, or as the Avro schema itself.

import { read } from "./api.js";
import { empty, fill, h, labelled } from "./dom.js";
import { opening, pretty } from "./json.js";
import { to } from "./route.js";

export const title = ({ parts }) => parts[0] ? `Schema ${parts[0]}` : "Schemas";

export async function show(root, { parts }, signal) {
  const { subjects } = await read("schemas", {}, signal);
  const list = h("ul", { class: "subjects" });
  const place = h("section", { class: "panel", "aria-live": "off" });
  const search = h("input", { type: "search", on: { input: () => shown() } });
  const shown = () => {
    const word = search.value.trim().toLowerCase();
    fill(list, subjects.filter((one) => one.subject.toLowerCase().includes(word)).map((one) =>
      h("li", {}, h("a", {
        href: to("schemas", one.subject), "aria-current": one.subject === parts[0] && "page",
      }, one.topic ?? one.subject), h("span", { class: "quiet" }, ` ${one.fields} fields`))));
  };
  shown();
  fill(root, h("h1", {}, "Schemas"), h("div", { class: parts[0] ? "split chosen" : "split" },
    h("nav", { "aria-label": "Subjects" }, labelled("Search", search), list), place));
  if (!parts[0]) {
    fill(place, empty("Choose a topic.", "Each topic has one record; its fields and their meaning "
      + "are shown here."));
    return;
  }
  const chosen = subjects.find((one) => one.subject === parts[0]);
  const found = await read(`schemas/${encodeURIComponent(parts[0])}`, {}, signal);
  const schema = found.schema ?? found;
  const names = new Map();
  learn(schema, names);
  fill(place, h("p", { class: "back" }, h("a", { href: to("schemas") }, "All topics")),
    h("h2", {}, parts[0]),
    h("p", { class: "quiet" }, `${schema.name}${chosen ? `, id ${chosen.id}` : ""}`),
    h("p", {}, schema.doc ?? ""), tree(schema, names),
    opening({ class: "raw" }, "The Avro schema as JSON", () => pretty(schema)));
}

/** Remember every named type: Avro says each of them once, and later only its name. */
function learn(type, names) {
  if (Array.isArray(type)) type.forEach((one) => learn(one, names));
  else if (type !== null && typeof type === "object") {
    if (type.name && type.fields) {
      names.set(type.name, type);
      names.set(`${type.namespace ?? ""}.${type.name}`, type);
    }
    (type.fields ?? []).forEach((field) => learn(field.type, names));
    learn(type.items ?? type.values ?? null, names);
    if (type.type && typeof type.type === "object") learn(type.type, names);
  }
}

function named(type, names) {
  if (typeof type !== "string") return type;
  return names.get(type) ?? names.get(type.split(".").at(-1)) ?? type;
}

/** A type in words, and the record in it, if there is one. */
function words(type, names) {
  const of = named(type, names);
  if (Array.isArray(of)) {
    const rest = of.filter((one) => one !== "null");
    const [text, inner] = rest.length === 1 ? words(rest[0], names)
      : [rest.map((one) => words(one, names)[0]).join(" or "), null];
    return [rest.length < of.length ? `${text}?` : text, inner];
  }
  if (typeof of === "string") return [of, null];
  if (of.type === "array") {
    const [text, inner] = words(of.items, names);
    return [`list of ${text}`, inner];
  }
  if (of.type === "map") return [`map of ${words(of.values, names)[0]}`, null];
  if (of.type === "record") return [of.name, of];
  if (of.logicalType === "timestamp-millis") return ["time", null];
  return [of.logicalType ?? (typeof of.type === "string" ? of.type : "?"), null];
}

function tree(record, names) {
  return h("ul", { class: "tree" }, record.fields.map((field) => {
    const [text, inner] = words(field.type, names);
    const line = [h("code", { class: "name" }, field.name), " ",
      h("span", { class: "type" }, text)];
    const doc = field.doc ? h("span", { class: "doc" }, field.doc) : null;
    return h("li", {}, inner
      ? opening({}, h("span", {}, line, doc), () => [
        inner.doc && h("p", { class: "doc" }, inner.doc), tree(inner, names)])
      : h("span", { class: "leaf" }, line, doc));
  }));
}
