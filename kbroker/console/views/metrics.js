// Metrics that clients push (KIP-714): which are asked for, and what has come in lately.

import { accept, get, kafka, toast } from "../api.js";
import { KINDS, alterConfigs } from "../cluster.js";
import {
  Ago,
  Dialog,
  Form,
  Page,
  Search,
  Sure,
  Table,
  duration,
  html,
  number,
  useMemo,
  usePoll,
  useState,
} from "../parts.js";

const CONFIGS = ["metrics", "interval.ms", "match"];

async function ask() {
  const [listed, pushed] = await Promise.all([
    kafka("ListConfigResources", { resourceTypes: [KINDS.metrics] }),
    get("/telemetry"),
  ]);
  await accept(listed);
  const names = listed.configResources.map((one) => one.resourceName);
  const resources = names.map((resourceName) => ({
    resourceType: KINDS.metrics,
    resourceName,
    configurationKeys: null,
  }));
  const described = names.length ? (await kafka("DescribeConfigs", { resources })).results : [];
  const subscriptions = described.map((one) => ({
    name: one.resourceName,
    ...Object.fromEntries(one.configs.map((config) => [config.name, config.value])),
  }));
  return { subscriptions, pushed: pushed.pushes };
}

/** The latest value of each metric of each client. */
function latest(pushed) {
  const found = new Map();
  for (const push of pushed)
    for (const metric of push.metrics) {
      const client = push.client.client_id || push.client.client_instance_id;
      found.set([push.client.client_instance_id, metric.name, JSON.stringify(metric.attributes)].join("\n"), {
        ...metric,
        client,
        instance: push.client.client_instance_id,
        at: push.time_ms,
      });
    }
  return [...found].map(([key, row]) => ({ ...row, key }));
}

const VALUES = [
  {
    title: "Client",
    value: (row) => row.client,
    cell: (row) => html`<span title=${row.instance}>${row.client}</span>`,
  },
  { title: "Metric", value: (row) => row.name, grow: true, cell: (row) => html`<span class="mono">${row.name}</span>` },
  {
    title: "Of",
    value: (row) => JSON.stringify(row.attributes),
    cell: (row) =>
      Object.entries(row.attributes)
        .map(([name, value]) => `${name}=${value}`)
        .join(", "),
  },
  { title: "Kind", value: (row) => row.kind },
  {
    title: "Value",
    num: true,
    value: (row) => row.value,
    cell: (row) => `${Number.isInteger(row.value) ? number(row.value) : row.value?.toPrecision(4)} ${row.unit}`,
  },
  { title: "Pushed", num: true, value: (row) => row.at, cell: (row) => html`<${Ago} ms=${row.at} />` },
];

export default function Metrics() {
  const state = usePoll(ask, [], 4000);
  const [filter, setFilter] = useState("");
  const [editing, setEditing] = useState(null);
  const [chosen, setChosen] = useState(null);
  const rows = useMemo(
    () => latest(state.data?.pushed ?? []).filter((row) => `${row.client} ${row.name}`.includes(filter)),
    [state.data, filter],
  );
  const columns = [
    { title: "Subscription", grow: true, value: (row) => row.name },
    {
      title: "Metrics",
      value: (row) => row.metrics,
      cell: (row) => html`<span class="mono">${row.metrics || "none"}</span>`,
    },
    {
      title: "Every",
      num: true,
      value: (row) => Number(row["interval.ms"]),
      cell: (row) => duration(Number(row["interval.ms"])),
    },
    {
      title: "Of clients",
      value: (row) => row.match,
      cell: (row) => html`<span class="mono">${row.match || "all"}</span>`,
    },
    {
      title: "",
      cell: (row) =>
        html`<button class="small" onClick=${() => setEditing(row)}>Change</button> <button class="small danger"
          onClick=${() => setChosen(row)}>Delete</button>`,
    },
  ];
  const remove = async (row) => {
    await alterConfigs("metrics", row.name, Object.fromEntries(CONFIGS.map((name) => [name, null])));
    toast("The subscription is deleted");
    await state.reload();
  };
  const actions = html`<button class="primary" onClick=${() => setEditing({})}>Add subscription</button>`;
  return html`<${Page} title="Client metrics" actions=${actions} state=${state}>${() => html`
    <${Table} label="Subscriptions" columns=${columns} rows=${state.data.subscriptions} keyOf=${(row) => row.name}
      empty="No client is asked for metrics. Clients ask at their start what is wanted: add a subscription first, then start them." />
    <div class="row"><h2>Pushed</h2><${Search} value=${filter} onInput=${setFilter} label="Filter metrics" /></div>
    <${Table} label="Pushed metrics" columns=${VALUES} rows=${rows} keyOf=${(row) => row.key}
      empty="Nothing has come in yet." />
    ${editing && html`<${Edit} row=${editing} onClose=${() => setEditing(null)} onDone=${state.reload} />`}
    ${chosen && html`<${Sure} title="Delete subscription" text=${chosen.name} onYes=${() => remove(chosen)}
      onClose=${() => setChosen(null)} />`}`}<//>`;
}

function Edit({ row, onClose, onDone }) {
  const fields = [
    { name: "name", label: "Name", value: row.name ?? "", required: true, disabled: Boolean(row.name) },
    {
      name: "metrics",
      label: "Metrics",
      value: row.metrics ?? "*",
      required: true,
      hint: "Prefixes of names with commas between them; * is all.",
    },
    {
      name: "interval",
      label: "Every (ms)",
      type: "number",
      min: 100,
      max: 3600000,
      value: row["interval.ms"] ?? "10000",
      required: true,
    },
    {
      name: "match",
      label: "Of clients",
      value: row.match ?? "",
      hint: "Such as client_software_name=apache-kafka-java; empty: all.",
    },
  ];
  const save = async (values) => {
    await alterConfigs("metrics", values.name, {
      metrics: values.metrics,
      "interval.ms": values.interval,
      ...(values.match || row.match ? { match: values.match || null } : {}),
    });
    toast(`${values.name} is set`);
    await onDone();
    onClose();
  };
  return html`<${Dialog} title=${row.name ?? "Add subscription"} onClose=${onClose}><${Form} fields=${fields}
    onSubmit=${save} onCancel=${onClose} /><//>`;
}
