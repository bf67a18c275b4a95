// What every view is made of. Tables, dialogs and forms have files of their own and are handed on from here.

import { html, useCallback, useEffect, useRef, useState } from "./vendor/preact.js";
import { bus, complain } from "./api.js";

export * from "./vendor/preact.js";
export { Table } from "./table.js";
export { Dialog, Form, Sure } from "./dialog.js";

const SHARE = 10; // what takes long is asked less often: at most so that a tenth of the time goes into it

/** Asks again every `ms` while the page is in sight: {data, error, reload}. `deps` are what `ask()` depends on. */
export function usePoll(ask, deps = [], ms = 2000) {
  const [state, setState] = useState({ data: null, error: null });
  const turn = useRef(0);
  const latest = useRef(ask);
  latest.current = ask;
  const reload = useCallback(async () => {
    const mine = ++turn.current;
    try {
      const data = await latest.current();
      if (mine === turn.current) setState({ data, error: null });
    } catch (error) {
      if (mine === turn.current && error.name !== "AbortError") setState((old) => ({ data: old.data, error }));
    }
  }, deps);
  useEffect(() => {
    let timer;
    let ended = false;
    const round = async () => {
      const began = performance.now();
      if (!document.hidden) await reload();
      if (!ended && ms) timer = setTimeout(round, Math.max(ms, SHARE * (performance.now() - began)));
    };
    setState({ data: null, error: null });
    round();
    const again = () => reload();
    bus.addEventListener("again", again);
    return () => ((ended = true), clearTimeout(timer), bus.removeEventListener("again", again), (turn.current += 1));
  }, [reload, ms]);
  return { ...state, reload };
}

/** Runs `doit`, says what went wrong; gives a function for `onClick`. */
export const doing = (doit) => async (...args) => {
  try {
    await doit(...args);
  } catch (error) {
    complain(error);
  }
};

/** The page of a view: its head with title and actions, then the content. While `state` has no data it says so. */
export function Page({ title, lead, actions, state, children }) {
  useEffect(() => {
    document.title = `${typeof title === "string" ? title : "kbroker"} · kbroker`;
  }, [title]);
  const waits = state && state.data === null;
  return html`<section class="page" aria-busy=${Boolean(waits)}>
    <header class="head"><h1>${title}</h1>${lead && html`<p class="lead">${lead}</p>`}<div class="actions">${actions}</div></header>
    ${state?.error && html`<p class="error" role="alert">${state.error.message}</p>`}
    ${waits ? html`<p class="empty" role="status">${state.error ? "" : "…"}</p>` : typeof children === "function" ? children() : children}
  </section>`;
}

export function Search({ value, onInput, label = "Filter" }) {
  return html`<input type="search" class="search" data-search aria-label=${label} placeholder="${label}  /" value=${value}
    autocomplete="off" spellcheck="false" onInput=${(event) => onInput(event.target.value)}
    onKeyDown=${(event) => event.key === "Escape" && (onInput(""), event.target.blur())} />`;
}

/** Tabs by links, so that each has an address: tabs = [{name, title, href}]. */
export function Tabs({ tabs, at, label = "Sections" }) {
  return html`<nav class="tabs" aria-label=${label}>${tabs.map(
    (tab) => html`<a key=${tab.name} href=${tab.href} aria-current=${tab.name === at ? "page" : undefined}>${tab.title}${tab.count !== undefined && html` <span class="count">${tab.count}</span>`}</a>`,
  )}</nav>`;
}

/** kind: good, warn, bad, info or plain. */
export const Pill = ({ kind = "plain", title, children }) => html`<span class="pill ${kind}" title=${title}>${children}</span>`;
export const Empty = ({ children }) => html`<p class="empty">${children}</p>`;
export const Facts = ({ facts }) =>
  html`<dl class="facts">${facts.filter(Boolean).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

export function bytes(count) {
  if (count === null || count === undefined || count < 0) return "–";
  let unit = 0;
  let value = count;
  while (value >= 1024 && unit < UNITS.length - 1) (value /= 1024), (unit += 1);
  return `${unit && value < 100 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}
export const Bytes = ({ count }) => html`<span title=${`${count} bytes`}>${bytes(count)}</span>`;

export const number = (value) => (value === null || value === undefined ? "–" : Number(value).toLocaleString("en-US").replaceAll(",", "\u202f"));

export function duration(ms) {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const s = ms / 1000;
  return s < 90 ? `${Math.round(s)} s` : s < 5400 ? `${Math.round(s / 60)} min` : s < 129600 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} d`;
}
export const time = (ms) => new Date(ms).toISOString().replace("T", " ").replace("Z", "");
export const Ago = ({ ms }) => (ms === null || ms === undefined || ms < 0 ? "–" : html`<time datetime=${new Date(ms).toISOString()} title=${`${time(ms)} UTC`}>${duration(Date.now() - ms)} ago</time>`);

/** Bytes (a Uint8Array) as rows of offset, hexadecimal, text. */
export function Hex({ data, from = 0, width = 16 }) {
  const lines = [];
  for (let at = 0; at < data.length; at += width) {
    const row = [...data.subarray(at, at + width)];
    const left = row.map((b) => b.toString(16).padStart(2, "0")).join(" ").padEnd(width * 3 - 1);
    lines.push(`${(from + at).toString(16).padStart(6, "0")}  ${left}  ${row.map((b) => (b > 31 && b < 127 ? String.fromCharCode(b) : "·")).join("")}`);
  }
  return html`<pre class="hex">${lines.join("\n")}</pre>`;
}

export function Toasts() {
  const [shown, setShown] = useState([]);
  useEffect(() => {
    let last = 0;
    const hear = ({ detail }) => {
      const one = { ...detail, id: ++last };
      setShown((old) => [...old.slice(-4), one]);
      setTimeout(() => setShown((old) => old.filter((each) => each.id !== one.id)), detail.kind === "error" ? 8000 : 4000);
    };
    bus.addEventListener("toast", hear);
    return () => bus.removeEventListener("toast", hear);
  }, []);
  return html`<div class="toasts" role="status" aria-live="polite">${shown.map(
    (one) => html`<div key=${one.id} class="toast ${one.kind}"><span>${one.text}</span>
      <button class="plain" aria-label="Dismiss" onClick=${() => setShown((old) => old.filter((each) => each.id !== one.id))}>✕</button></div>`,
  )}</div>`;
}
