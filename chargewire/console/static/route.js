// The place in the page, as the address says it: #/view/part?filter=value.

/** The view, its parts, and its filters. */
export function here() {
  const [path, search] = location.hash.replace(/^#\/?/, "").split("?", 2);
  const [view, ...parts] = path.split("/").filter(Boolean).map(part);
  return { view: view ?? "stations", parts, filters: new URLSearchParams(search ?? "") };
}

/** A part of an address, decoded where that can be. */
export function part(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of a place. */
export function to(...parts) {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

/** Keep filters in the address, so that it can be passed on; no view is shown anew. */
export function remember(filters, ...parts) {
  const kept = Object.entries(filters).filter(([, value]) => value);
  const search = new URLSearchParams(kept).toString();
  history.replaceState(null, "", to(...parts) + (search ? `?${search}` : ""));
}
