// The live list of requests with their answers; of one connection where the address names it.

import { get, vocabulary } from "../api.js";
import { Bytes, Page, Pill, Table, doing, html, number, useEffect, useState } from "../parts.js";
import { clock, live, query, storyOf, took, useLive } from "../wire.js";

const COLUMNS = [
  { title: "Time", cell: (row) => html`<span class="mono">${clock(row.at_ms)}</span>` },
  { title: "From", cell: (row) => html`<a href="#/wire/connection/${row.connection}" title="All of this connection">#${row.connection}</a>` },
  { title: "Client", cell: (row) => row.client_id ?? "–" },
  { title: "API", cell: (row) => html`<a href="#/wire/frame/${row.number}">${row.api}</a> <span class="soft">v${row.version}</span>` },
  { title: "About", grow: true, cell: (row) => about(row) },
  { title: "Asked", num: true, cell: (row) => html`<${Bytes} count=${row.request_bytes} />` },
  { title: "Answered", num: true, cell: (row) => (row.reply_bytes === null ? "–" : html`<${Bytes} count=${row.reply_bytes} />`) },
  { title: "ms", num: true, hint: "From the request to its answer, in the broker", cell: (row) => (row.is_done ? took(row.took_ms) : "…") },
  { title: "Outcome", cell: (row) => html`<${Outcome} row=${row} />` },
];

function about(row) {
  const story = storyOf(row);
  return story ? html`<a href=${story.href} title=${story.title}>${row.about}</a>` : row.about;
}

export function Outcome({ row }) {
  if (row.refused) return html`<${Pill} kind="bad" title=${row.refused}>closed<//>`;
  if (!row.is_done) return html`<${Pill} kind="info">waits<//>`;
  if (row.errors.length) return html`<${Pill} kind="bad" title=${row.errors.join(", ")}>${row.errors[0]}${row.errors.length > 1 ? ` +${row.errors.length - 1}` : ""}<//>`;
  return html`${row.faults.length > 0 && html`<${Pill} kind="warn" title=${row.faults.join("; ")}>fault<//> `}<span class="good">ok</span>`;
}

const EMPTY = { api: "", client: "", topic: "", group: "", error: "", failed: false };

export default function Wire({ params, query: asked }) {
  const [filter, setFilter] = useState({ ...EMPTY, ...asked, failed: asked.failed === "true" });
  const [apis, setApis] = useState([]);
  const wanted = query({ ...filter, connection: params.id });
  const [settled, settle] = useState(wanted);
  useEffect(() => {
    const timer = setTimeout(() => settle(wanted), 300);
    return () => clearTimeout(timer);
  }, [wanted]);
  const { rows, paused } = useLive(settled);
  const old = useRemembered(params.id, rows);
  useEffect(() => {
    vocabulary().then((known) => setApis(known.apis), () => {});
    const pressed = (event) => {
      if (event.key !== " " || event.target.closest("input, textarea, select, button, dialog, a")) return;
      event.preventDefault();
      live.paused ? live.goOn() : live.pause();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
  const set = (name) => (event) => setFilter({ ...filter, [name]: event.target.type === "checkbox" ? event.target.checked : event.target.value.trim() });
  const field = (name, label, more = {}) => html`<input class="filter" aria-label=${label} placeholder=${label} value=${filter[name]} onInput=${set(name)} autocomplete="off" spellcheck="false" ...${more} />`;
  const open = (row) => (location.hash = `#/wire/frame/${row.number}`);
  const shown = [...old, ...rows];
  return html`<${Page} title=${params.id ? `Connection #${params.id}` : "Wire"} lead="What clients ask and are answered, as it happens"
      actions=${html`<button onClick=${() => (paused ? live.goOn() : live.pause())} aria-pressed=${paused} title="Space">${paused ? "Go on" : "Pause"}</button>
        <button onClick=${() => live.clear()}>Clear</button>`}>
    <div class="row" role="search" aria-label="Which requests">
      ${field("api", "API", { list: "apis", "data-search": true })}<datalist id="apis">${apis.map((api) => html`<option value=${api.name ?? api} />`)}</datalist>
      ${field("client", "Client")}${field("topic", "Topic")}${field("group", "Group")}${field("error", "Error")}
      <label class="inline"><input type="checkbox" checked=${filter.failed} onChange=${set("failed")} /> failed only</label>
    </div>
    <${Counts} />
    <${Table} label="Requests" columns=${COLUMNS} rows=${shown.toReversed()} keyOf=${(row) => row.number} onOpen=${open}
      rowClass=${(row) => (row.errors.length || row.refused ? "failed" : "")}
      empty=${live.error ? live.error.message : wanted !== settled || !live.listening ? "…" : "Nothing has come yet. Whatever a client asks appears here once it has been answered."} />
  <//>`;
}

/** What a connection has said before somebody looked, where it is remembered. */
function useRemembered(connection, rows) {
  const [old, setOld] = useState([]);
  useEffect(() => {
    setOld([]);
    if (connection === undefined) return;
    get(`/frames/list?connection=${connection}`).then((told) => setOld(told.rows), () => {});
  }, [connection]);
  const first = rows.length ? rows[0].number : Infinity;
  return old.filter((row) => row.number < first && (connection === undefined || String(row.connection) === connection));
}

function Counts() {
  const { others, missed, paused, tooFast, held, error } = live;
  if (error) return html`<p class="error" role="alert">${error.message} <button class="small" onClick=${doing(() => location.reload())}>Again</button></p>`;
  if (!others && !missed && !paused) return null;
  return html`<p class="counts" role="status">
    ${tooFast ? html`<${Pill} kind="warn">paused<//> More comes than anybody can read. ` : paused ? html`<${Pill} kind="info">paused<//> ` : ""}
    ${paused && held > 0 ? html`<b>${number(held)}</b> wait. ` : ""}
    ${others > 0 ? html`<b data-others=${others}>${number(others)}</b> more came than are shown. ` : ""}
    ${missed > 0 ? html`<b>${number(missed)}</b> were gone before their turn came. ` : ""}
    ${tooFast ? html`Choose some with the filters, or <button class="small" onClick=${() => live.goOn()}>go on</button>: then the newest are shown.` : ""}
  </p>`;
}
