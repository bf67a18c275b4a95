// The two halves of a frame: its bytes, and the tree of its fields. Whatever belongs to a note has its number in data-n.

import { html, useMemo, useRef, useState } from "./parts.js";

const WIDTH = 16;
const FOLDED_FROM = 40; // an array of so many items opens folded

export const bytesOf = (hex) => Uint8Array.from({ length: hex.length / 2 }, (_, index) => parseInt(hex.slice(2 * index, 2 * index + 2), 16));

const two = (byte) => byte.toString(16).padStart(2, "0");
const text = (byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : "·");

/** Rows of offset, bytes and text; each run of bytes of one note is an element of its own. */
export function Dump({ data, notes, source }) {
  const rows = useMemo(() => runs(data, notes, source), [data.length, notes, source]);
  return html`<div class="rows mono">${rows.map(({ at, parts }) => html`<div class="line" key=${at}>
    <span class="offset">${at}</span>
    <span class="hexes">${parts.map(({ note, bytes }, index) => html`<span data-n=${note} data-side="byte" class=${note % 2 ? "odd" : ""}>${bytes.map(two).join(" ")}</span>${index < parts.length - 1 ? " " : ""}`)}</span>
    <span class="text" aria-hidden="true">${parts.map(({ note, bytes }) => html`<span data-n=${note} data-side="text">${bytes.map(text).join("")}</span>`)}</span>
  </div>`)}</div>`;
}

function runs(data, notes, source) {
  const owner = new Int32Array(data.length).fill(-1);
  notes.forEach((note, index) => note.source === source && owner.fill(index, note.at, note.at + note.size));
  const rows = [];
  for (let at = 0; at < data.length; at += WIDTH) {
    const parts = [];
    for (let byte = at; byte < Math.min(at + WIDTH, data.length); byte += 1) {
      const last = parts.at(-1);
      if (last && last.note === owner[byte]) last.bytes.push(data[byte]);
      else parts.push({ note: owner[byte], bytes: [data[byte]] });
    }
    rows.push({ at, parts });
  }
  return rows;
}

const inside = (outer, inner) => inner.startsWith(`${outer}[`) || inner.startsWith(`${outer}.`);
const nameOf = (path) => path.match(/[^.]*$/)[0];

/** The fields in the order of their bytes. Arrows move and fold, as in any tree. */
export function Tree({ notes }) {
  const parents = useMemo(() => notes.map((note, index) => note.path !== "" && index + 1 < notes.length && inside(note.path, notes[index + 1].path)), [notes]);
  const [folded, setFolded] = useState(() => new Set(notes.flatMap((note, index) => (parents[index] && long(notes, index) ? [index] : []))));
  const [at, setAt] = useState(0);
  const list = useRef(null);
  const shown = [];
  for (let index = 0, skip = null; index < notes.length; index += 1) {
    if (skip !== null && inside(skip, notes[index].path)) continue;
    skip = folded.has(index) ? notes[index].path : null;
    shown.push(index);
  }
  const fold = (index, close) => {
    const next = new Set(folded);
    close ? next.add(index) : next.delete(index);
    setFolded(next);
  };
  const pressed = (event) => {
    const place = shown.indexOf(at);
    const go = (to) => list.current.querySelector(`[data-n="${shown[Math.max(0, Math.min(shown.length - 1, to))]}"]`)?.focus();
    if (event.key === "ArrowDown") go(place + 1);
    else if (event.key === "ArrowUp") go(place - 1);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(shown.length - 1);
    else if (event.key === "ArrowLeft" && parents[at]) fold(at, true);
    else if (event.key === "ArrowRight" && parents[at]) fold(at, false);
    else return;
    event.preventDefault();
  };
  return html`<ul role="tree" aria-label="Fields" ref=${list} onKeyDown=${pressed}>${shown.map((index) => {
    const note = notes[index];
    if (note.type === "section") return html`<li key=${index} role="none" class="section" style=${{ paddingLeft: indent(note) }}>${note.path ? `${nameOf(note.path)}: ` : ""}${note.meaning}</li>`;
    const opens = parents[index];
    return html`<li key=${index} role="treeitem" aria-level=${note.depth + 1} aria-expanded=${opens ? !folded.has(index) : undefined} data-n=${index} data-side="field"
        tabindex=${index === at ? 0 : -1} class=${note.type} style=${{ paddingLeft: indent(note) }} onFocus=${() => setAt(index)}>
      <span class="fold" onClick=${() => opens && fold(index, !folded.has(index))}>${opens ? (folded.has(index) ? "▸" : "▾") : ""}</span>
      <span class="name">${nameOf(note.path)}</span> <code>${note.value}</code> <span class="meaning">${note.meaning}</span>
      <span class="type">${note.type}${note.versions ? ` · v${note.versions}` : ""}</span>
    </li>`;
  })}</ul>`;
}

const indent = (note) => `${note.depth * 14 + 4}px`;

function long(notes, index) {
  const { type, value } = notes[index];
  return type.endsWith("array") && Number(value) >= FOLDED_FROM;
}
