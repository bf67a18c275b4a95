// One exchange: every byte beside the field that it belongs to. Hover or focus either, and the other lights up.

import { get } from "../api.js";
import { Facts, Page, Pill, bytes, html, useEffect, useState, usePoll, useRef } from "../parts.js";
import { clock, storyOf, took, useLive } from "../wire.js";
import { Dump, Tree, bytesOf } from "../frame.js";
import { Outcome } from "./wire.js";

export default function Frame({ params }) {
  useLive();
  const state = usePoll(() => get(`/frames/one?number=${params.number}`), [params.number], 0);
  const [side, setSide] = useState("request");
  useEffect(() => {
    const pressed = (event) => {
      if (event.target.closest("input, textarea, select, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
      const data = state.data;
      if (event.key === "[" && data?.previous) location.hash = `#/wire/frame/${data.previous}`;
      else if (event.key === "]" && data?.next) location.hash = `#/wire/frame/${data.next}`;
      else if (event.key === "a" && data?.reply) setSide((old) => (old === "request" ? "reply" : "request"));
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [state.data]);
  const row = state.data?.row;
  return html`<${Page} title=${row ? `${row.api} v${row.version}` : `Request ${params.number}`} state=${state} lead=${row?.about} actions=${row && html`<${Ways} data=${state.data} />`}>${() => html`
    <${Facts} facts=${[
      ["Client", row.client_id ?? "–"],
      ["Connection", html`<a href="#/wire/connection/${row.connection}">#${row.connection}</a>`],
      ["Correlation id", row.correlation_id],
      ["At", html`<span class="mono">${clock(row.at_ms)}</span>`],
      ["Took", row.is_done ? `${took(row.took_ms)} ms` : "…"],
      ["Outcome", html`<${Outcome} row=${row} />`],
      row.errors.length > 1 && ["Errors", row.errors.join(", ")],
      row.refused && ["Closed", row.refused],
      row.faults.length > 0 && ["Faults", row.faults.join("; ")],
    ]} />
    <nav class="tabs" role="tablist" aria-label="Frames">
      <${Side} ...${{ name: "request", title: "Request", frame: state.data.request, side, setSide }} />
      <${Side} ...${{ name: "reply", title: "Answer", frame: state.data.reply, side, setSide }} />
    </nav>
    ${state.data[side] ? html`<${Exchange} key=${`${params.number} ${side}`} frame=${state.data[side]} />` : html`<p class="empty">No answer was sent.</p>`}`}<//>`;
}

function Side({ name, title, frame, side, setSide }) {
  const turn = (event) => (event.preventDefault(), setSide(name));
  return html`<a href="#" role="tab" aria-selected=${side === name} aria-current=${side === name ? "page" : undefined} title="a" onClick=${turn}>${title}
    <span class="count"> ${frame ? bytes(frame.bytes + 4) : "none"}</span></a>`;
}

function Ways({ data }) {
  const { row, previous, next } = data;
  const story = storyOf(row);
  return html`${story && html`<a class="button" href=${story.href}>${story.title}</a>`}
    ${previous !== null && html`<a class="button" href="#/wire/frame/${previous}" title="[">← before</a>`}
    ${next !== null && html`<a class="button" href="#/wire/frame/${next}" title="]">after →</a>`}
    <a class="button" href="#/wire">List</a>`;
}

/** Bytes and fields side by side. Which note is lit is told to the elements themselves: a frame may have thousands. */
function Exchange({ frame }) {
  const box = useRef(null);
  const [at, setAt] = useState(null);
  const light = (index, { scroll } = {}) => {
    if (index === at) return;
    for (const each of box.current.querySelectorAll(".lit, .within")) each.classList.remove("lit", "within");
    if (index !== null) {
      for (const inner of within(frame.notes, index)) for (const each of box.current.querySelectorAll(`[data-n="${inner}"]`)) each.classList.add("within");
      for (const each of box.current.querySelectorAll(`[data-n="${index}"]`)) {
        each.classList.add("lit");
        if (scroll === each.dataset.side) each.scrollIntoView({ block: "nearest" });
      }
    }
    setAt(index);
  };
  const over = (event) => {
    const found = event.target.closest("[data-n]");
    if (found) light(Number(found.dataset.n), { scroll: found.dataset.side === "byte" ? "field" : "byte" });
  };
  const picked = (event) => {
    const found = event.target.closest('[data-side="byte"]');
    if (found) box.current.querySelector(`[data-side="field"][data-n="${found.dataset.n}"]`)?.focus();
  };
  return html`<div class="frame" ref=${box} onMouseOver=${over} onFocusCapture=${over} onClick=${picked}>
    <div class="dump" role="group" aria-label="Bytes" tabindex="0">
      <${Dump} data=${bytesOf(frame.hex)} notes=${frame.notes} source=${undefined} />
      ${Object.entries(frame.unfolded).map(([source, hex]) => html`<h3>${source}</h3><${Dump} data=${bytesOf(hex)} notes=${frame.notes} source=${source} />`)}
    </div>
    <div class="fields"><${Tree} notes=${frame.notes} />${frame.more && html`<p class="empty">There are more fields than are shown.</p>`}</div>
    <${About} note=${at === null ? null : frame.notes[at]} />
  </div>`;
}

function within(notes, index) {
  const { path, type } = notes[index];
  if (!path || type === "section") return [];
  const found = [];
  for (let next = index + 1; next < notes.length; next += 1) {
    const inner = notes[next].path;
    if (!inner.startsWith(`${path}[`) && !inner.startsWith(`${path}.`)) break;
    found.push(next);
  }
  return found;
}

function About({ note }) {
  if (!note) return html`<aside class="about soft" aria-live="polite">Hover or focus a byte or a field.</aside>`;
  const range = note.size ? (note.size === 1 ? `byte ${note.at}` : `bytes ${note.at} to ${note.at + note.size - 1}`) : "no bytes";
  return html`<aside class="about" aria-live="polite">
    <b class="mono">${note.path || note.meaning}</b> <${Pill}>${note.type}<//> <span class="soft">${range}${note.source ? ` of ${note.source}` : ""}</span>
    ${note.value !== "" && html` <code>${note.value}</code>`} ${note.meaning}
    ${note.versions && html` <span class="soft">· versions ${note.versions}</span>`}${note.since && html` <span class="soft">· v${note.versions.split("-")[0]}: ${note.since}</span>`}
  </aside>`;
}
