// One record as a whole: as text, JSON, bytes, its headers, and the batch that it came in.

import { get } from "../../api.js";
import { Bytes, Empty, Facts, Hex, Pill, bytes, html, time, useEffect, useState } from "../../parts.js";
import { bytesOf, glance, isBinary, jsonOf } from "./content.js";

const TABS = ["text", "json", "hex", "headers", "batch"];
const TITLES = { text: "Text", json: "JSON", hex: "Hex", headers: "Headers", batch: "Batch" };
const MOST_HEX = 16 << 10;
const MOST_TEXT = 256 << 10;

export function Detail({ hit, onClose, onResend, onCopy, onFilter }) {
  const [tab, setTab] = useState(null);
  const [whole, setWhole] = useState(null);
  const [error, setError] = useState("");
  const place = `${hit.topic}-${hit.partition}@${hit.offset}`;
  useEffect(() => {
    const stop = new AbortController();
    setWhole(null);
    setError("");
    const query = new URLSearchParams({ topic: hit.topic, partition: hit.partition, offset: hit.offset });
    get(`/records/one?${query}`, stop.signal).then(setWhole, (problem) => problem.name !== "AbortError" && setError(problem.message));
    return () => stop.abort();
  }, [place]);
  const record = whole?.record ?? hit;
  const shown = tab ?? (jsonOf(record.value) ? "json" : isBinary(record.value) ? "hex" : "text");
  const turn = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = TABS[(TABS.indexOf(shown) + step + TABS.length) % TABS.length];
    setTab(next);
    event.currentTarget.querySelector(`[data-tab=${next}]`).focus();
  };
  return html`<aside class="detail" aria-label="Record ${place}">
    <header><h2>${record.topic}-${record.partition} <span class="soft">@ ${record.offset}</span></h2>
      <button class="plain" aria-label="Close the record" onClick=${onClose}>✕</button></header>
    <${Facts} facts=${[
      ["Time", html`${time(record.timestamp)} <span class="soft">UTC</span>`],
      ["Key", html`<code>${glance(record.key).slice(0, 120)}</code>`],
      ["Value", html`<${Bytes} count=${bytesOf(record.value).length} />`],
    ]} />
    <div class="row">
      <button class="small" onClick=${() => onResend(record)} disabled=${!whole || Boolean(record.control)}>Resend…</button>
      <button class="small" onClick=${() => onCopy([record])} disabled=${Boolean(record.control)}>Copy to a topic…</button>
      ${typeof record.key === "string" && record.key && html`<button class="small" onClick=${() => onFilter(record.key)}>Same key</button>`}
    </div>
    <div class="tabs" role="tablist" aria-label="Ways to look at the record" onKeyDown=${turn}>${TABS.map(
      (name) => html`<button key=${name} role="tab" data-tab=${name} aria-selected=${name === shown} tabindex=${name === shown ? 0 : -1}
        onClick=${() => setTab(name)}>${TITLES[name]}${name === "headers" ? html` <span class="count">${record.headers.length}</span>` : ""}</button>`,
    )}</div>
    <div class="content" role="tabpanel" aria-label=${TITLES[shown]} tabindex="0">
      ${error && html`<p class="error" role="alert">${error}</p>`}
      ${!whole && !error ? html`<p class="empty">…</p>` : html`<${Content} tab=${shown} record=${record} whole=${whole} />`}
    </div>
  </aside>`;
}

function Content({ tab, record, whole }) {
  if (tab === "headers") return html`<${Headers} record=${record} />`;
  if (tab === "batch") return whole ? html`<${Batch} batch=${whole.batch} size=${whole.size} />` : "";
  if (record.control) return html`<p>A control record: <b>${record.control.type}</b> of producer ${record.control.producerId}. Consumers never see it.</p>`;
  if (record.unreadable) return html`<p class="error">${record.unreadable}</p>`;
  if (tab === "hex")
    return html`${record.key !== null && html`<h3>Key</h3><${Part} data=${bytesOf(record.key)} />`}<h3>Value</h3><${Part} data=${bytesOf(record.value)} />`;
  if (record.value === null) return html`<${Empty}>null: a tombstone. Where the topic is compacted it deletes its key.<//>`;
  if (tab === "json") {
    const found = jsonOf(record.value);
    return found === null ? html`<${Empty}>This value is no JSON object or array.<//>` : html`<pre class="value">${found.slice(0, MOST_TEXT)}</pre>`;
  }
  return html`<pre class="value">${isBinary(record.value) ? new TextDecoder().decode(bytesOf(record.value)).slice(0, MOST_TEXT) : glance(record.value).slice(0, MOST_TEXT)}</pre>`;
}

const Part = ({ data }) =>
  data.length === 0 ? html`<${Empty}>No bytes.<//>`
    : html`<${Hex} data=${data.subarray(0, MOST_HEX)} />${data.length > MOST_HEX && html`<p class="soft">… the first ${bytes(MOST_HEX)} of ${bytes(data.length)}</p>`}`;

const Headers = ({ record }) =>
  record.headers.length === 0 ? html`<${Empty}>No headers.<//>`
    : html`<table class="pairs"><tbody>${record.headers.map(([name, value]) => html`<tr><th scope="row">${name}</th><td><code>${glance(value)}</code></td></tr>`)}</tbody></table>`;

const OUTCOMES = { committed: "good", aborted: "bad", open: "warn" };

function Batch({ batch, size }) {
  const ratio = size > 0 && batch.codec !== "none" ? ` (${Math.round((100 * (batch.bytes - 61)) / size)} % of ${bytes(size)})` : "";
  const rows = [
    ["offsets", `${batch.baseOffset} to ${batch.lastOffset}, ${batch.records} records`],
    ["bytes", `${batch.bytes}${ratio}`],
    ["codec", batch.codec],
    ["producer", batch.producerId < 0 ? "not idempotent" : `id ${batch.producerId}, epoch ${batch.producerEpoch}, sequences ${batch.baseSequence} to ${batch.lastSequence}`],
    ["transaction", batch.transaction === "none" ? "–" : html`<${Pill} kind=${OUTCOMES[batch.transaction]}>${batch.transaction}<//>`],
    ["control", batch.control ? `${batch.control.type}, coordinator epoch ${batch.control.coordinatorEpoch ?? "–"}` : "–"],
    ["timestamps", `${time(batch.baseTimestamp)} to ${time(batch.maxTimestamp)} (${batch.timestampType})`],
    ["leader epoch", batch.leaderEpoch],
    ["magic", batch.magic],
    ["crc", batch.crc],
    ["attributes", batch.attributes],
    batch.deleteHorizonMs !== null && ["delete horizon", time(batch.deleteHorizonMs)],
  ];
  return html`<table class="pairs"><tbody>${rows.filter(Boolean).map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`)}</tbody></table>`;
}
