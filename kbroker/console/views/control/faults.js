// Faults: what becomes of chosen requests. A form for the usual ones, JSON for all that the control API knows.

import { get, post, toast, vocabulary } from "../../api.js";
import { Dialog, Empty, Form, Pill, Table, doing, html, number, time, useEffect, usePoll, useState } from "../../parts.js";

const EFFECTS = {
  error: ["an error", ({ errors }) => ({ errors: listOf(errors) })],
  delay: ["a delay", ({ ms }) => ({ delay_ms: Number(ms) })],
  "drop before": ["the connection drops before it is handled", () => ({ drop: "before" })],
  "drop after": ["it is handled, and the answer lost", () => ({ drop: "after" })],
  blackhole: ["no answer, ever", () => ({ blackhole: true })],
  hold: ["held until it is released", () => ({ hold: true })],
  throttle: ["the client is told to wait", ({ ms }) => ({ throttle_ms: Number(ms) })],
  "bad crc": ["records with a broken checksum", () => ({ bad_crc: true })],
  json: ["something else, as JSON", () => ({})],
};
const listOf = (text) => text.split(",").map((each) => each.trim()).filter(Boolean);
const given = (fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== "" && value !== null && value !== undefined && value.length !== 0));

/** What `POST /control/faults/install` takes, of what the form says. */
export function faultOf(values) {
  const more = values.more.trim() ? JSON.parse(values.more) : {};
  const match = given({ api: listOf(values.api), topic: values.topic, group: values.group, client_id: values.client });
  const when = given({ times: values.times === "" ? null : Number(values.times), probability: values.share === "" ? null : Number(values.share) / 100 });
  return {
    name: values.name,
    match: { ...match, ...more.match },
    when: { ...when, ...more.when },
    effect: { ...EFFECTS[values.effect][1](values), ...more.effect },
  };
}

const DEFAULTS = { effect: { drip_ms: 10, callback_ms: 5000 }, when: { skip: 0, probability: 1, seed: 0 } };

/** The fields that say something, as words. */
function words(fields, kind) {
  const said = Object.entries(fields).filter(([name, value]) => value !== null && value !== false && value !== 0 && value !== DEFAULTS[kind]?.[name]);
  return said.map(([name, value]) => `${name.replaceAll("_", " ")} ${value === true ? "" : Array.isArray(value) ? value.join(", ") : typeof value === "object" ? JSON.stringify(value) : value}`.trim()).join("; ");
}

export function Faults() {
  const { data, error, reload } = usePoll(() => get("/control/faults/list"), [], 1000);
  const [dialog, show] = useState(null);
  const act = (path, body) => doing(async () => (await post(`/control/faults/${path}`, body), reload()));
  const open = dialog?.id !== undefined && data?.find((fault) => fault.id === dialog.id);
  const columns = [
    { title: "Fault", value: (row) => row.name || `#${row.id}` },
    { title: "What", value: (row) => words(row.effect, "effect"), grow: true },
    { title: "Which requests", value: (row) => words(row.match) || "all" },
    { title: "When", value: (row) => words(row.when, "when") || "always" },
    { title: "Fitted", num: true, value: (row) => row.seen },
    { title: "Hits", num: true, value: (row) => row.hits.length, cell: (row) => html`<b>${number(row.hits.length)}</b>` },
    { title: "State", value: (row) => row.used_up, cell: (row) => (row.held.length ? html`<${Pill} kind="warn">${row.held.length} held<//>` : row.used_up ? html`<${Pill}>used up<//>` : html`<${Pill} kind="bad">active<//>`) },
    { title: "", cell: (row) => html`<button class="small" onClick=${act("remove", { id: row.id })} aria-label="Remove ${row.name || row.id}">Remove</button>` },
  ];
  return html`<section aria-label="Faults">
    <div class="row head"><h2>Faults</h2><div class="actions">
      <button class="primary" onClick=${() => show({ form: true })}>Install a fault…</button>
      <button onClick=${() => show({ chaos: true })}>Chaos…</button>
      <button onClick=${act("clear", {})} disabled=${!data?.length}>Clear all</button></div></div>
    ${error && html`<p class="error" role="alert">${error.message}</p>`}
    ${data && html`<${Table} label="Installed faults" columns=${columns} rows=${data} keyOf=${(row) => row.id} onOpen=${(row) => show({ id: row.id })} empty="Nothing is installed: every request is handled." />`}
    ${dialog?.form && html`<${Install} onDone=${reload} onClose=${() => show(null)} />`}
    ${dialog?.chaos && html`<${Chaos} onDone=${reload} onClose=${() => show(null)} />`}
    ${open && html`<${Hits} fault=${open} act=${act} onClose=${() => show(null)} />`}
  </section>`;
}

function Install({ onDone, onClose }) {
  const [known, setKnown] = useState({ apis: [], errors: {} });
  useEffect(() => void vocabulary().then(setKnown, () => {}), []);
  const of = (...names) => (values) => names.includes(values.effect);
  const fields = [
    { name: "name", label: "Name", hint: "For you, to know it by" },
    { name: "effect", label: "What becomes of the request", type: "select", value: "error", options: Object.entries(EFFECTS).map(([key, [text]]) => [key, text]) },
    { name: "errors", label: "Errors", value: "NOT_LEADER_OR_FOLLOWER", list: Object.values(known.errors), hint: "One for each request, in their order; separated by commas", when: of("error") },
    { name: "ms", label: "Milliseconds", type: "number", min: 1, value: "500", when: of("delay", "throttle") },
    { name: "api", label: "APIs", value: "Produce", list: known.apis.map((api) => api.name), hint: "Separated by commas; empty: all" },
    { name: "topic", label: "Topic", hint: "* and ? stand for any; empty: all" },
    { name: "group", label: "Group" },
    { name: "client", label: "Client id" },
    { name: "times", label: "How often", type: "number", min: 1, hint: "Empty: until it is removed" },
    { name: "share", label: "Of how many, in %", type: "number", min: 0, max: 100, hint: "Empty: of all that fit" },
    { name: "more", label: "More, as JSON", type: "textarea", rows: 3, hint: html`{"match": {…}, "when": {…}, "effect": {…}}: all fields are in <a href="/control" target="_blank">the table of verbs</a>` },
  ];
  const install = async (values) => {
    const fault = await post("/control/faults/install", faultOf(values));
    toast(`Fault ${fault.name || fault.id} is installed`);
    onDone();
    onClose();
  };
  return html`<${Dialog} title="Install a fault" wide onClose=${onClose}><div class="twin"><${Form} fields=${fields} submit="Install" onSubmit=${install} onCancel=${onClose} /></div><//>`;
}

function Chaos({ onDone, onClose }) {
  const fields = [
    { name: "level", label: "Level", type: "select", options: [["1", "1: a bad day"], ["2", "2: a bad week"], ["3", "3: everything at once"]], value: "1" },
    { name: "seed", label: "Seed", type: "number", value: "0", hint: "The same seed meets the same requests" },
  ];
  const install = async ({ level, seed }) => {
    await post("/control/faults/chaos", { level: Number(level), seed: Number(seed) });
    onDone();
    onClose();
  };
  return html`<${Dialog} title="Chaos" onClose=${onClose}><p>A mix that a correct client survives: delays, dropped connections, leaders and coordinators that are elsewhere for a moment.</p>
    <${Form} fields=${fields} submit="Begin" onSubmit=${install} onCancel=${onClose} /><//>`;
}

function Hits({ fault, act, onClose }) {
  const hits = [...fault.hits].reverse().slice(0, 200);
  return html`<${Dialog} title="Fault ${fault.name || fault.id}: ${number(fault.hits.length)} hits" wide onClose=${onClose}>
    ${fault.held.length > 0 && html`<div class="row">${fault.held.map((id) => html`<button key=${id} onClick=${act("release", { id })}>Release ${id}</button>`)}</div>`}
    ${fault.problems.map((problem) => html`<p class="error">${problem}</p>`)}
    ${hits.length === 0 ? html`<${Empty}>It has met no request yet.<//>`
      : html`<div class="table plan"><table aria-label="Hits"><thead><tr><th>Time</th><th>API</th><th>Client</th><th class="num">Connection</th><th class="grow">What was done</th></tr></thead>
        <tbody>${hits.map((hit) => html`<tr><td class="mono">${time(hit.at_ms)}</td><td>${hit.api} v${hit.version}</td><td>${hit.client_id}</td><td class="num">${hit.connection}</td><td>${hit.done}</td></tr>`)}</tbody></table></div>`}
  <//>`;
}
