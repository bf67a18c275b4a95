// A table that stays fast at thousands of rows: all rows have one height, and only those in sight are in the page.
//
//   <Table label="Topics" columns=${columns} rows=${rows} keyOf=${(row) => row.name} onOpen=${(row) => ...} />
//   a column: {title, value: row => what it is sorted by, cell: row => what is shown (else the value), num: right-aligned,
//              hint: a title for the head, grow: takes the space that is left}
//
// Keyboard: the arrows, Page and Home/End move; Enter opens; heads are buttons that sort.

import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "./vendor/preact.js";

const ROW = 29; // px, as --row in style.css
const SPARE = 12; // rows kept above and below what is in sight
const LEAST = 7; // rows that a table shows although others want the room, if it has as many

const compare = (a, b) =>
  a === b
    ? 0
    : a === null || a === undefined
      ? 1
      : b === null || b === undefined
        ? -1
        : typeof a === "string"
          ? a.localeCompare(b, undefined, { numeric: true })
          : a < b
            ? -1
            : 1;

function sorted(rows, column, down) {
  if (!column?.value) return rows;
  const found = [...rows].sort((a, b) => compare(column.value(a), column.value(b)));
  return down ? found.reverse() : found;
}

export function Table({
  label,
  columns,
  rows,
  keyOf,
  onOpen,
  sort: first = 0,
  down: firstDown = false,
  empty,
  rowClass,
}) {
  const [sort, setSort] = useState({ column: first, down: firstDown });
  const [sight, setSight] = useState({ top: 0, height: 600 });
  const [at, setAt] = useState(0);
  const box = useRef(null);
  const order = useMemo(() => sorted(rows, columns[sort.column], sort.down), [rows, sort, columns.length]);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const look = () => setSight({ top: element.scrollTop, height: element.clientHeight || 600 });
    const watch = new ResizeObserver(look);
    watch.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    return () => (watch.disconnect(), element.removeEventListener("scroll", look));
  }, [order.length === 0]);

  useEffect(() => {
    if (at >= order.length) setAt(Math.max(0, order.length - 1));
  }, [order.length]);

  if (!rows.length) return html`<div class="empty">${empty ?? "Nothing here."}</div>`;

  const from = Math.max(0, Math.floor(sight.top / ROW) - SPARE);
  const to = Math.min(order.length, Math.ceil((sight.top + sight.height) / ROW) + SPARE);

  const go = (index) => {
    const next = Math.max(0, Math.min(order.length - 1, index));
    setAt(next);
    const element = box.current;
    const y = next * ROW;
    if (y < element.scrollTop) element.scrollTop = y;
    else if (y + 2 * ROW > element.scrollTop + element.clientHeight)
      element.scrollTop = y + 2 * ROW - element.clientHeight;
    requestAnimationFrame(() => element.querySelector(`[data-at="${next}"]`)?.focus());
  };
  const pressed = (event) => {
    if (!event.target.matches("tr[data-at]")) return;
    const page = Math.max(1, Math.floor(sight.height / ROW) - 1);
    const moves = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: order.length - 1,
    };
    if (event.key in moves) go(moves[event.key]);
    else if (event.key === "Enter" && onOpen) onOpen(order[at]);
    else return;
    event.preventDefault();
  };
  const opened = (row, event) => {
    if (onOpen && !event.target.closest("a, button, input, label") && !String(getSelection())) onOpen(row);
  };

  return html`<div class="table" ref=${box} onKeyDown=${pressed} style=${{ minHeight: (Math.min(order.length, LEAST) + 1) * ROW + 2 }}>
    <table aria-label=${label} aria-rowcount=${order.length + 1}>
      <thead><tr aria-rowindex="1">${columns.map((column, index) => html`<${Head} ...${{ column, index, sort, setSort }} />`)}</tr></thead>
      <tbody>
        ${from > 0 && html`<tr class="space" key="above" style=${{ height: from * ROW }} aria-hidden="true"></tr>`}
        ${order.slice(from, to).map((row, index) => {
          const place = from + index;
          return html`<tr key=${keyOf(row)} data-at=${place} aria-rowindex=${place + 2} tabindex=${place === at ? 0 : -1}
              class=${`${onOpen ? "opens" : ""} ${rowClass?.(row) ?? ""}`}
              onFocus=${() => setAt(place)} onClick=${(event) => opened(row, event)}>
            ${columns.map((column) => html`<td class=${classOf(column)}>${column.cell ? column.cell(row) : column.value(row)}</td>`)}
          </tr>`;
        })}
        ${to < order.length && html`<tr class="space" key="below" style=${{ height: (order.length - to) * ROW }} aria-hidden="true"></tr>`}
      </tbody>
    </table>
  </div>`;
}

const classOf = (column) => `${column.num ? "num" : ""} ${column.grow ? "grow" : ""}`.trim();

function Head({ column, index, sort, setSort }) {
  const mine = sort.column === index;
  const direction = mine ? (sort.down ? "descending" : "ascending") : undefined;
  if (!column.value) return html`<th class=${classOf(column)} scope="col" title=${column.hint}>${column.title}</th>`;
  const turn = () => setSort({ column: index, down: mine ? !sort.down : Boolean(column.num) });
  return html`<th class=${classOf(column)} scope="col" aria-sort=${direction}>
    <button type="button" onClick=${turn}
      title=${column.hint}>${column.title}<span aria-hidden="true">${mine ? (sort.down ? " ▾" : " ▴") : ""}</span>
      </button>
  </th>`;
}
