// Writing: a new record, one sent again with edits, and a selection copied to another topic after a dry run.

import { post, toast } from "../../api.js";
import { Dialog, Form, Pill, bytes, html, number, useState } from "../../parts.js";
import { failureHeaders, glance, isBinary, isMeaning, origin } from "./content.js";

const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"];
const FORMS = [["text", "text"], ["base64", "base64"], ["null", "null"]];

const formOf = (content) => (content === null ? "null" : isBinary(content) ? "base64" : "text");
const textOf = (content) => (content === null ? "" : isBinary(content) ? content.base64 : isMeaning(content) ? glance(content) : content);
const contentOf = (form, text) => (form === "null" ? null : form === "base64" ? { base64: text.trim() } : text);

const headerLine = ([name, value]) => `${name}: ${value === null ? "" : isBinary(value) ? `base64:${value.base64}` : value}`;

/** "name: value" on each line. */
export function headersOf(text) {
  return text.split("\n").filter((line) => line.trim()).map((line) => {
    const colon = line.indexOf(":");
    if (colon < 1) throw new Error(`A header is NAME: VALUE, not ${line.trim()}`);
    const value = line.slice(colon + 1).trim();
    return [line.slice(0, colon).trim(), value.startsWith("base64:") ? { base64: value.slice(7) } : value];
  });
}

/** `record` is what the form begins with; null is an empty one. */
export function Produce({ topic, topics, record, onDone, onClose }) {
  const again = record !== null;
  const fields = [
    { name: "topic", label: "Topic", value: topic, required: true, list: topics },
    { name: "partition", label: "Partition", type: "number", min: 0, hint: "Empty: where the key belongs, as the Java client has it" },
    { name: "keyForm", label: "Key is", type: "select", options: FORMS, value: again ? formOf(record.key) : "text" },
    { name: "key", label: "Key", value: again ? textOf(record.key) : "", when: (values) => values.keyForm !== "null" },
    { name: "valueForm", label: "Value is", type: "select", options: FORMS, value: again ? formOf(record.value) : "text" },
    { name: "compression", label: "Compression", type: "select", options: CODECS, value: "none" },
    { name: "value", label: "Value", type: "textarea", rows: 8, value: again ? textOf(record.value) : "", when: (values) => values.valueForm !== "null" },
    { name: "headers", label: "Headers", type: "textarea", rows: 3, value: again ? record.headers.map(headerLine).join("\n") : "", hint: "NAME: VALUE on each line" },
  ];
  const send = async (values) => {
    const fields = {
      key: values.keyForm === "text" && values.key === "" ? null : contentOf(values.keyForm, values.key),
      value: contentOf(values.valueForm, values.value),
      headers: headersOf(values.headers),
    };
    const asked = { topic: values.topic, records: [fields], compression: values.compression };
    if (values.partition !== "") asked.partition = Number(values.partition);
    const [place] = await post("/records/produce", asked);
    toast(`Written to ${place.topic}-${place.partition} at offset ${place.offset}`);
    onDone(place);
    onClose();
  };
  return html`<${Dialog} title=${again ? "Resend with edits" : "Produce a record"} wide onClose=${onClose}>
    <div class="twin"><${Form} fields=${fields} submit=${again ? "Resend" : "Produce"} onSubmit=${send} onCancel=${onClose} /></div><//>`;
}

/** `records` are hits; they are read again from the log, whole. */
export function Copy({ topic, topics, records, onDone, onClose }) {
  const [plan, setPlan] = useState(null);
  const [asked, setAsked] = useState(null);
  const fields = [
    { name: "to", label: "To the topic", required: true, list: topics, value: origin(records[0]) },
    { name: "drop", label: "Leave out headers", value: failureHeaders(records).join(", "), hint: "Names, or beginnings with a *; separated by commas" },
  ];
  const look = async ({ to, drop }) => {
    const body = {
      topic,
      to,
      records: records.map(({ partition, offset }) => ({ partition, offset })),
      drop_headers: drop.split(",").map((each) => each.trim()).filter(Boolean),
    };
    setPlan(await post("/records/copy", body));
    setAsked(body);
  };
  const copy = async () => {
    const done = await post("/records/copy", { ...asked, execute: true });
    if (done.failed) throw new Error(`${done.failed}. ${done.copied} of ${done.records.length} records were copied before.`);
    toast(`${number(done.copied)} records copied to ${done.to}`);
    onDone(done);
    onClose();
  };
  return html`<${Dialog} title="Copy ${number(records.length)} ${records.length === 1 ? "record" : "records"} of ${topic}" wide onClose=${onClose}>
    ${plan === null
      ? html`<${Form} fields=${fields} submit="Dry run" onSubmit=${look} onCancel=${onClose} />`
      : html`<${Plan} plan=${plan} /><${Form} fields=${[]} submit="Copy ${number(plan.records.length - plan.problems)} now" onSubmit=${copy} onCancel=${() => setPlan(null)} />`}
  <//>`;
}

const MOST_ROWS = 200;

function Plan({ plan }) {
  const rows = plan.records.slice(0, MOST_ROWS);
  return html`<p>This would write <b>${number(plan.records.length - plan.problems)}</b> records, about ${bytes(plan.bytes)}, to <b>${plan.to}</b>.
      ${plan.problems ? html` <${Pill} kind="bad">${number(plan.problems)} cannot go<//>` : html` <${Pill} kind="good">nothing is in the way<//>`}
      <span class="soft"> Nothing has been written yet.</span></p>
    <div class="table plan"><table aria-label="Dry run"><thead><tr><th>From</th><th>Key</th><th>To</th><th class="num">Bytes</th><th class="grow">Problem</th></tr></thead>
      <tbody>${rows.map((row) => html`<tr><td>${row.partition} @ ${row.offset}</td><td>${glance(row.key)}</td>
        <td>${row.problem ? "–" : `${plan.to}-${row.to_partition}`}</td><td class="num">${number(row.bytes)}</td><td class="bad">${row.problem}</td></tr>`)}</tbody></table></div>
    ${plan.records.length > MOST_ROWS && html`<p class="soft">… and ${number(plan.records.length - MOST_ROWS)} more</p>`}`;
}
