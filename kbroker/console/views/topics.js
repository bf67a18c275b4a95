// All topics: how large, how many partitions, whether all is well; and making one.

import { accept, kafka, toast } from "../api.js";
import { pairs, place, sizes } from "../cluster.js";
import { Bytes, Dialog, Form, Page, Pill, Search, Table, html, number, useMemo, usePoll, useState } from "../parts.js";

async function ask(about) {
  const { topics } = await kafka("Metadata", { topics: null });
  const led = new Map(
    topics.flatMap((topic) => topic.partitions.map((one) => [place(topic.name, one.partitionIndex), one.leaderId])),
  );
  const held = await sizes(about, led);
  return topics.map((topic) => ({
    name: topic.name,
    internal: topic.isInternal,
    partitions: topic.partitions.length,
    replicas: topic.partitions[0]?.replicaNodes.length ?? 0,
    offline: topic.partitions.filter((one) => one.leaderId < 0).length,
    under: topic.partitions.filter((one) => one.isrNodes.length < one.replicaNodes.length).length,
    size: topic.partitions.reduce((sum, one) => sum + (held.get(place(topic.name, one.partitionIndex)) ?? 0), 0),
  }));
}

export const topicLink = (name) => `#/topics/${encodeURIComponent(name)}`;

export const Health = ({ row }) =>
  row.offline
    ? html`<${Pill} kind="bad">${row.offline} without a leader<//>`
    : row.under
      ? html`<${Pill} kind="warn">${row.under} under-replicated<//>`
      : html`<span class="good">✓<span class="sr"> in sync</span></span>`;

const COLUMNS = [
  {
    title: "Topic",
    grow: true,
    value: (row) => row.name,
    cell: (row) =>
      html`<a href=${topicLink(row.name)} tabindex="-1">${row.name}</a> ${row.internal && html`<${Pill}>internal<//>`}`,
  },
  { title: "Partitions", num: true, value: (row) => row.partitions },
  { title: "Replicas", num: true, value: (row) => row.replicas },
  { title: "In sync", value: (row) => row.offline * 1e6 + row.under, cell: (row) => html`<${Health} row=${row} />` },
  { title: "Size", num: true, value: (row) => row.size, cell: (row) => html`<${Bytes} count=${row.size} />` },
];

export default function Topics({ about }) {
  const state = usePoll(() => ask(about), [about], 4000);
  const [filter, setFilter] = useState("");
  const [internal, setInternal] = useState(false);
  const [creating, setCreating] = useState(false);
  const rows = useMemo(() => {
    const words = filter.toLowerCase().split(/\s+/);
    return (state.data ?? []).filter(
      (row) => (internal || !row.internal) && words.every((word) => row.name.toLowerCase().includes(word)),
    );
  }, [state.data, filter, internal]);
  const actions = html`<${Search} value=${filter} onInput=${setFilter} label="Filter topics" />
    <label class="inline"><input type="checkbox" checked=${internal}
      onChange=${(e) => setInternal(e.target.checked)} /> internal</label>
    <button class="primary" onClick=${() => setCreating(true)}>Create topic</button>`;
  const lead =
    state.data && `${number(rows.length)} of ${number(state.data.filter((row) => internal || !row.internal).length)}`;
  return html`<${Page} title="Topics" lead=${lead} actions=${actions} state=${state}>
    <${Table} label="Topics" columns=${COLUMNS} rows=${rows} keyOf=${(row) => row.name}
      onOpen=${(row) => (location.hash = topicLink(row.name))}
      empty=${filter ? `No topic like "${filter}".` : "There are no topics yet. Create one, or let a producer do it."} />
    ${creating && html`<${Create} onClose=${() => setCreating(false)} />`}
  <//>`;
}

function Create({ onClose }) {
  const fields = [
    {
      name: "name",
      label: "Name",
      required: true,
      pattern: "[a-zA-Z0-9._\\-]+",
      hint: "Letters, digits, dots, underscores and dashes.",
    },
    { name: "partitions", label: "Partitions", type: "number", min: 1, placeholder: "the broker's default" },
    { name: "replicas", label: "Replicas", type: "number", min: 1, placeholder: "the broker's default" },
    {
      name: "configs",
      label: "Configs",
      type: "textarea",
      rows: 3,
      hint: "One name=value a line, such as retention.ms=60000.",
    },
  ];
  const create = async (values) => {
    const configs = Object.entries(pairs(values.configs)).map(([name, value]) => ({ name, value }));
    const topic = {
      name: values.name,
      numPartitions: Number(values.partitions || -1),
      replicationFactor: Number(values.replicas || -1),
      configs,
    };
    const answer = await kafka("CreateTopics", { topics: [topic], timeoutMs: 30000 });
    await accept(answer.topics[0]);
    toast(`Topic ${values.name} is made`);
    onClose();
    location.hash = topicLink(values.name);
  };
  return html`<${Dialog} title="Create topic" onClose=${onClose}><${Form} fields=${fields} submit="Create"
    onSubmit=${create} onCancel=${onClose} /><//>`;
}
