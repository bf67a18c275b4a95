// The message browser: read by offset, time, key or tail; search by text, regex or JSON path while hits stream in; look
// at one record; produce, resend with edits, copy a selection, export.
//
// What is searched stands in the address, so a search can be kept, sent to somebody, and gone back to.

import { kafka } from "../api.js";
import { Empty, Page, Pill, Search, Table, doing, html, number, time, useEffect, useMemo, useState } from "../parts.js";
import { glance } from "./messages/content.js";
import { Detail } from "./messages/detail.js";
import { download, linesOf } from "./messages/export.js";
import { KINDS, ORDERS, PLACES, addressOf, rangeOf, useSearch } from "./messages/search.js";
import { Copy, Produce } from "./messages/write.js";

export default function Messages({ params, query }) {
  const [topics, error] = useTopics();
  if (!params.topic) return html`<${Choose} topics=${topics} error=${error} />`;
  const title = html`<a href="#/messages">Messages</a> <span class="soft">/</span> ${params.topic}`;
  return html`<${Browser} topic=${params.topic} words=${query} topics=${topics ?? []}
    frame=${(actions, content) => html`<${Page} title=${title} actions=${actions}>${content}<//>`} />`;
}

/** The topics by their names, and what went wrong. */
export function useTopics() {
  const [topics, setTopics] = useState(null);
  const [error, setError] = useState(null);
  useEffect(() => {
    kafka("Metadata", { topics: null }).then(
      ({ topics: found }) => setTopics(found.filter((topic) => !topic.errorCode).sort((a, b) => a.name.localeCompare(b.name))),
      setError,
    );
  }, []);
  return [topics, error];
}

function Choose({ topics, error }) {
  const [text, setText] = useState("");
  const rows = useMemo(() => (topics ?? []).filter((topic) => topic.name.toLowerCase().includes(text.toLowerCase())), [topics, text]);
  const columns = [
    { title: "Topic", grow: true, value: (row) => row.name, cell: (row) => html`<a href=${addressOf(row.name, {})}>${row.name}</a> ${row.isInternal && html`<${Pill}>internal<//>`}` },
    { title: "Partitions", num: true, value: (row) => row.partitions.length },
    { title: "", cell: (row) => html`<a href=${addressOf(row.name, { order: "follow" })}>follow</a>` },
  ];
  return html`<${Page} title="Messages" lead="Choose a topic to read." state=${{ data: topics, error }}
    actions=${html`<${Search} value=${text} onInput=${setText} label="Filter topics" />`}>${() => html`
    <${Table} label="Topics to read" columns=${columns} rows=${rows} keyOf=${(row) => row.name}
      onOpen=${(row) => (location.hash = addressOf(row.name, {}))} empty="No topic has such a name." />`}<//>`;
}

const keyOf = (hit) => `${hit.partition}-${hit.offset}`;

/** `frame` puts buttons and content where they belong. */
export function Browser({ topic, words, topics, frame }) {
  const search = useSearch(topic, words);
  const [open, setOpen] = useState(null);
  const [chosen, setChosen] = useState(() => new Map());
  const [dialog, setDialog] = useState(null);
  const names = useMemo(() => topics.map((each) => each.name), [topics]);
  useEffect(() => setChosen(new Map()), [JSON.stringify(words)]);
  useEffect(() => {
    const closes = (event) => event.key === "Escape" && !event.target.closest("dialog, input, textarea, select") && setOpen(null);
    addEventListener("keydown", closes);
    return () => removeEventListener("keydown", closes);
  }, []);
  const again = () => (location.hash = addressOf(topic, { ...words, at: (Number(words.at) || 0) + 1 }));
  const pick = (hit) => setChosen((old) => {
    const next = new Map(old);
    if (!next.delete(keyOf(hit))) next.set(keyOf(hit), hit);
    return next;
  });
  const actions = html`
    <button class="primary" onClick=${() => setDialog({ name: "produce", record: null })}>Produce…</button>
    <button onClick=${doing(() => download(`/records/export?${rangeOf(topic, words)}`, `${topic}.jsonl`))} title="Everything that fits, as JSON lines that kbroker produce --json takes">Export</button>`;
  return frame(actions, html`
    <${Words} topic=${topic} words=${words} search=${search} />
    <${Status} search=${search} words=${words} />
    ${chosen.size > 0 && html`<${Selection} ...${{ chosen, setChosen, topic, setDialog }} />`}
    <div class="split">
      <${Hits} ...${{ search, chosen, setChosen, pick, open, setOpen }} />
      ${open && html`<${Detail} hit=${open} onClose=${() => setOpen(null)}
        onResend=${(record) => setDialog({ name: "produce", record })} onCopy=${(records) => setDialog({ name: "copy", records })}
        onFilter=${(key) => (location.hash = addressOf(topic, { ...words, kind: "text", where: "key:", filter: key }))} />`}
    </div>
    ${dialog?.name === "produce" && html`<${Produce} topic=${topic} topics=${names} record=${dialog.record} onDone=${again} onClose=${() => setDialog(null)} />`}
    ${dialog?.name === "copy" && html`<${Copy} topic=${topic} topics=${names} records=${dialog.records} onDone=${() => setChosen(new Map())} onClose=${() => setDialog(null)} />`}`);
}

const NOTHING = { order: "newest", from: "", to: "", partitions: "", kind: "text", where: "", header: "", filter: "", committed: false, control: false };

/** The form of a search. It changes the address, and the address makes the search. */
function Words({ topic, words, search }) {
  const [said, say] = useState({ ...NOTHING, ...words });
  useEffect(() => say({ ...NOTHING, ...words }), [JSON.stringify(words)]);
  const set = (name) => (event) => say((old) => ({ ...old, [name]: event.target.type === "checkbox" ? event.target.checked : event.target.value }));
  const go = (event) => {
    event.preventDefault();
    const next = addressOf(topic, { ...said, kind: said.filter ? said.kind : "", where: said.filter ? said.where : "", at: (Number(words.at) || 0) + 1 });
    location.hash = next;
  };
  const choose = (name, label, options) => html`<select aria-label=${label} value=${said[name]} onChange=${set(name)}>${options.map(([key, text]) => html`<option value=${key} selected=${key === said[name]}>${text}</option>`)}</select>`;
  const type = (name, label, size, hint) => html`<input aria-label=${label} placeholder=${label.toLowerCase()} title=${hint} size=${size} value=${said[name]} onInput=${set(name)} autocomplete="off" spellcheck="false" />`;
  const when = "earliest, an offset, -100, 15m (ago), 2026-11-21T14:30";
  return html`<form class="words" role="search" onSubmit=${go}>
    ${choose("order", "Order", ORDERS)}
    ${type("from", "From", 12, when)}
    ${said.order !== "follow" && type("to", "To", 12, `Not included: ${when}`)}
    ${type("partitions", "Partitions", 7, "All, or 0,2,4-6")}
    <label class="inline" title="Leave out what is open or was aborted"><input type="checkbox" checked=${said.committed} onChange=${set("committed")} /> committed only</label>
    <label class="inline" title="Show where transactions end"><input type="checkbox" checked=${said.control} onChange=${set("control")} /> markers</label>
    <span class="filter">
      ${choose("kind", "Kind of filter", KINDS)}
      ${choose("where", "Where to look", PLACES)}
      ${said.where === "header." && type("header", "Header", 8, "The header's name")}
      <input type="search" data-search aria-label="Filter" placeholder=${{ text: "any text  /", regex: "order-[0-9]+  /", path: ".order.state=paid  /" }[said.kind]}
        value=${said.filter} onInput=${set("filter")} autocomplete="off" spellcheck="false" />
      ${search.running ? html`<button type="button" onClick=${search.stop}>Stop</button>` : ""}
      <button type="submit" class="primary">Search</button>
    </span>
  </form>`;
}

function Status({ search, words }) {
  const { hits, news, running, error, kept, paused } = search;
  const tails = words.order === "follow";
  const left = news?.left ?? 0;
  const total = (news?.scanned ?? 0) + left;
  const more = !running && !tails && left > 0;
  return html`<div class="status" role="status">
    ${error && html`<p class="error" role="alert">${error}</p>`}
    ${running && !tails && html`<progress max=${total || 1} value=${news?.scanned ?? 0} aria-label="Searched"></progress>`}
    ${tails && running && html`<${Pill} kind="good">following<//>`}
    <span><b>${number(hits.length)}</b> ${hits.length === 1 ? "record" : "records"}${tails ? "" : `, ${number(news?.scanned ?? 0)} looked at`}${left && !tails ? `, ${number(left)} not yet` : ""}</span>
    ${news?.skipped ? html`<${Pill} kind="warn">${number(news.skipped)} came too fast to show<//>` : ""}
    ${tails && running && html`<button class="small" onClick=${() => search.pause(!paused)}>${paused ? `Go on (${number(kept)} wait)` : "Pause"}</button>`}
    ${more && html`<button class="small" onClick=${search.more}>More</button>`}
  </div>`;
}

function Selection({ chosen, setChosen, topic, setDialog }) {
  const records = [...chosen.values()];
  return html`<div class="row selection" role="toolbar" aria-label="Selection">
    <b>${number(records.length)} selected</b>
    <button class="small" onClick=${() => setDialog({ name: "copy", records })}>Copy to a topic…</button>
    <button class="small" onClick=${doing(async () => linesOf(topic, records))}>Export the selection</button>
    <button class="small plain" onClick=${() => setChosen(new Map())}>Clear</button>
  </div>`;
}

function Hits({ search, chosen, setChosen, pick, open, setOpen }) {
  const { hits, running, error } = search;
  const pickable = hits.filter((hit) => !hit.control && !hit.unreadable);
  const all = pickable.length > 0 && pickable.every((hit) => chosen.has(keyOf(hit)));
  const everything = () => setChosen(all ? new Map() : new Map(pickable.map((hit) => [keyOf(hit), hit])));
  const columns = [
    {
      title: html`<input type="checkbox" aria-label="Select all" checked=${all} onChange=${everything} />`,
      cell: (hit) => !hit.control && !hit.unreadable && html`<input type="checkbox" aria-label="Select ${hit.partition} @ ${hit.offset}" checked=${chosen.has(keyOf(hit))} onChange=${() => pick(hit)} />`,
    },
    { title: "Time", value: (hit) => hit.timestamp, cell: (hit) => html`<span class="mono" title="${time(hit.timestamp)} UTC">${hit.timestamp < 0 ? "–" : moment(hit.timestamp)}</span>` },
    { title: "Part.", hint: "Partition", num: true, value: (hit) => hit.partition },
    { title: "Offset", num: true, value: (hit) => hit.offset },
    { title: "Key", value: (hit) => glance(hit.key), cell: (hit) => (hit.key === null ? html`<span class="soft">–</span>` : html`<code>${glance(hit.key).slice(0, 80)}</code>`) },
    { title: "Value", grow: true, value: (hit) => glance(hit.value), cell: shortly },
    !open && { title: "Headers", num: true, value: (hit) => hit.headers.length, cell: (hit) => hit.headers.length || "" },
  ].filter(Boolean);
  if (!hits.length) return html`<${Empty}>${error ? "" : running ? "Looking…" : "Nothing here that fits."}<//>`;
  return html`<${Table} label="Records" columns=${columns} rows=${hits} keyOf=${keyOf} onOpen=${setOpen}
    rowClass=${(hit) => (open && keyOf(open) === keyOf(hit) ? "at" : hit.control ? "dim" : "")} />`;
}

/** The day is left out where it is today's. */
const moment = (ms) => (time(ms).startsWith(time(Date.now()).slice(0, 10)) ? time(ms).slice(11) : time(ms));

function shortly(hit) {
  if (hit.control) return html`<${Pill} kind=${hit.control.type === "abort" ? "bad" : "good"}>${hit.control.type}<//> <span class="soft">producer ${hit.control.producerId}</span>`;
  if (hit.unreadable) return html`<${Pill} kind="bad">unreadable<//> ${hit.unreadable}`;
  if (hit.value === null) return html`<${Pill} title="A value of null: a tombstone">null<//>`;
  return html`<code>${glance(hit.value).slice(0, 300)}</code>`;
}
