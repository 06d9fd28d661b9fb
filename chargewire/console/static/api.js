// Asks the console's server; says what went wrong in words.

const KEPT = "chargewire-token";

/** An answer that is none: `status` 0 means that nobody answered. */
export class Refused extends Error {
  constructor(status, text, path = null) {
    super(text);
    this.status = status;
    this.path = path;
  }
}

/** The query of a URL, of what is not empty. */
export function query(parameters) {
  const made = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters ?? {})) {
    if (value !== null && value !== undefined && value !== "") made.set(name, value);
  }
  const text = made.toString();
  return text ? `?${text}` : "";
}

async function asked(path, options) {
  let response;
  try {
    response = await fetch(`api/${path}`, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "The console's server does not answer. Is `chargewire console` running?");
  }
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body;
  throw new Refused(response.status, body?.error ?? `HTTP ${response.status}`, body?.path ?? null);
}

/** GET; segments of the path must be encoded already. Raises Refused, or AbortError. */
export function read(path, parameters, signal) {
  return asked(path + query(parameters), { signal, headers: { accept: "application/json" } });
}

/** Ask a station for something; the answer has the command_id. Raises Refused. */
export function command(asking) {
  return asked("commands", {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token()}` },
    body: JSON.stringify(asking),
  });
}

/** The token that the viewer gave; it is forgotten with the tab. */
export function token() {
  return sessionStorage.getItem(KEPT) ?? "";
}

export function keep(given) {
  if (given) sessionStorage.setItem(KEPT, given);
  else sessionStorage.removeItem(KEPT);
  document.dispatchEvent(new Event("token"));
}
