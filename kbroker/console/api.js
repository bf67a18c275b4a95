// The one HTTP door, asked from the page. Paths, arguments and answers are those of /openapi.json.
//
//   kafka("Metadata", {topics: null})        any Kafka request, in Kafka's JSON; options {version, node}
//   get("/about"), post("/control/...", {})  everything else
//   follow("/control/requests/follow", onEvent)   server-sent events; returns a function that ends it
//
// Off loopback a token is needed: whoever is refused with 401 is asked for it, and it stays in this tab's storage.

const TOKEN = "kbroker-token";

/** What the page as a whole is told of: "token" when one is needed, "toast" {detail: {text, kind}}. */
export const bus = new EventTarget();

export class ApiError extends Error {
  constructor(status, kind, message) {
    super(message);
    this.status = status;
    this.kind = kind;
  }
}

export function setToken(token) {
  sessionStorage.setItem(TOKEN, token);
}

export function toast(text, kind = "info") {
  bus.dispatchEvent(new CustomEvent("toast", { detail: { text, kind } }));
}

/** Shows an error to whoever sits there; for use in `catch`. What was cancelled is no error. */
export function complain(error) {
  if (error?.name !== "AbortError" && error?.status !== 401) toast(error?.message || String(error), "error");
}

async function ask(method, path, body, signal) {
  const headers = {};
  const token = sessionStorage.getItem(TOKEN);
  if (token) headers.Authorization = `Bearer ${token}`;
  if (method !== "GET") headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "unreachable", "The broker does not answer.");
  }
  if (answer.ok) return answer;
  const text = await answer.text();
  if (answer.status === 401) bus.dispatchEvent(new CustomEvent("token", { detail: { refused: Boolean(token) } }));
  let said = { kind: "failed", message: text.trim() };
  try {
    said = JSON.parse(text).error ?? said;
  } catch {
    // plain text is a sentence as it is
  }
  throw new ApiError(answer.status, said.kind, said.message);
}

export const get = async (path, signal) => (await ask("GET", path, undefined, signal)).json();
/** What a path answers, as a file: for downloads where a token is needed. */
export const file = async (path) => (await ask("GET", path)).blob();
export const hasToken = () => Boolean(sessionStorage.getItem(TOKEN));
export const post = async (path, body = {}, signal) => (await ask("POST", path, body, signal)).json();

export function kafka(api, body = {}, { version, node, signal } = {}) {
  const query = new URLSearchParams();
  if (version !== undefined) query.set("version", version);
  if (node !== undefined) query.set("node", node);
  const text = query.toString();
  return post(`/kafka/${api}${text ? `?${text}` : ""}`, body, signal);
}

let known;

/** {errors: {code: name}, apis: [...]}: asked once. */
export const vocabulary = () => (known ??= get("/kafka").catch((error) => ((known = undefined), Promise.reject(error))));

/** Throws what Kafka says where the error code is not 0; else gives the item back. */
export async function accept(item) {
  if (!item.errorCode) return item;
  const { errors } = await vocabulary();
  const name = errors[item.errorCode] ?? `error ${item.errorCode}`;
  throw new ApiError(200, name, `${name}${item.errorMessage ? `: ${item.errorMessage}` : ""}`);
}

/** Server-sent events, with the token in a header (which EventSource cannot). `onEvent(data, type)`. */
export function follow(path, onEvent, onEnd = complain) {
  const stop = new AbortController();
  (async () => {
    const reader = (await ask("GET", path, undefined, stop.signal)).body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return onEnd(null);
      const events = (rest + value).split("\n\n");
      rest = events.pop();
      for (const event of events) hear(event, onEvent);
    }
  })().catch((error) => error.name !== "AbortError" && onEnd(error));
  return () => stop.abort();
}

function hear(event, onEvent) {
  let type = "message";
  let data = "";
  for (const line of event.split("\n")) {
    if (line.startsWith("event: ")) type = line.slice(7);
    if (line.startsWith("data: ")) data += line.slice(6);
  }
  if (data) onEvent(JSON.parse(data), type);
}
