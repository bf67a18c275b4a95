// One topic: what it is at the head, its tabs below, and what can be done to it: grow, empty, delete.

import { accept, complain, kafka, toast } from "../api.js";
import { EARLIEST, LATEST, leaders, offsets, place, sizes } from "../cluster.js";
import {
  Dialog,
  Facts,
  Form,
  Page,
  Pill,
  Sure,
  Tabs,
  bytes,
  html,
  number,
  useEffect,
  usePoll,
  useState,
} from "../parts.js";
import { TABS } from "./topic_tabs.js";
import { topicLink } from "./topics.js";

async function ask(about, name) {
  const { topics } = await kafka("Metadata", { topics: [{ name }], allowAutoTopicCreation: false });
  const topic = await accept(topics[0]);
  const led = new Map(topic.partitions.map((one) => [place(name, one.partitionIndex), one.leaderId]));
  for (const [key, leader] of led) if (leader < 0) led.delete(key);
  const keys = [...led.keys()];
  const [first, end, held] = await Promise.all([
    offsets(keys, EARLIEST, led),
    offsets(keys, LATEST, led),
    sizes(about, led),
  ]);
  const partitions = topic.partitions.map((one) => {
    const key = place(name, one.partitionIndex);
    return {
      index: one.partitionIndex,
      leader: one.leaderId,
      epoch: one.leaderEpoch,
      replicas: one.replicaNodes,
      isr: one.isrNodes,
      start: first.get(key) ?? null,
      end: end.get(key) ?? null,
      size: held.get(key) ?? null,
    };
  });
  partitions.sort((a, b) => a.index - b.index);
  return { id: topic.topicId, internal: topic.isInternal, partitions };
}

const sum = (rows, value) => rows.reduce((total, row) => total + (value(row) ?? 0), 0);

export default function Topic({ params: { name }, query, about }) {
  const state = usePoll(() => ask(about, name), [about, name]);
  const [asking, setAsking] = useState("");
  const close = () => setAsking("");
  const at = query.tab ?? TABS[0].name;
  const tabs = TABS.map((tab) => ({ ...tab, href: `${topicLink(name)}?tab=${tab.name}` }));
  const actions =
    state.data &&
    html`
    <button onClick=${() => setAsking("grow")}>Add partitions</button>
    <button onClick=${() => setAsking("empty")}>Empty</button>
    <button class="danger" onClick=${() => setAsking("delete")}>Delete</button>`;
  return html`<${Page} title=${name} lead=${state.data?.internal ? html`<${Pill}>internal<//>` : ""}
    actions=${actions} state=${state}>${() => {
    const { id, partitions } = state.data;
    return html`<${Facts} facts=${[
      ["Partitions", number(partitions.length)],
      ["Replicas", partitions[0]?.replicas.length],
      ["Offsets held", number(sum(partitions, (row) => row.end - row.start))],
      ["Size", bytes(sum(partitions, (row) => row.size))],
      ["Id", html`<code>${id}</code>`],
    ]} />
    <${Tabs} tabs=${tabs} at=${at} />
    <${Tab} key=${at} name=${at} topic=${name} data=${state.data} about=${about} query=${query} />
    ${asking === "grow" && html`<${Grow} ...${{ name, count: partitions.length, onClose: close, onDone: state.reload }} />`}
    ${asking === "empty" && html`<${Sure} title="Empty ${name}"
      text="All records that are there now are deleted. The offsets go on." action="Empty" word=${name}
      onYes=${() => empty(name, partitions).then(state.reload)} onClose=${close} />`}
    ${asking === "delete" && html`<${Sure} title="Delete ${name}"
      text="The topic is deleted with its ${number(partitions.length)} partitions and all records." word=${name}
      onYes=${() => remove(name)} onClose=${close} />`}`;
  }}<//>`;
}

function Tab({ name, ...rest }) {
  const [Loaded, setLoaded] = useState(null);
  useEffect(() => {
    TABS.find((tab) => tab.name === name)
      ?.load()
      .then((module) => setLoaded(() => module.default), complain);
  }, [name]);
  return Loaded && html`<${Loaded} ...${rest} />`;
}

function Grow({ name, count, onClose, onDone }) {
  const grow = async (values) => {
    const topics = [{ name, count: Number(values.count), assignments: null }];
    const answer = await kafka("CreatePartitions", { topics, timeoutMs: 30000, validateOnly: false });
    await accept(answer.results[0]);
    toast(`${name} has ${values.count} partitions`);
    onDone();
    onClose();
  };
  const field = {
    name: "count",
    label: "Partitions altogether",
    type: "number",
    min: count + 1,
    value: String(count + 1),
    required: true,
    hint: "Keys may go to other partitions than before.",
  };
  return html`<${Dialog} title="Add partitions" onClose=${onClose}><${Form} fields=${[field]} submit="Add"
    onSubmit=${grow} onCancel=${onClose} /><//>`;
}

async function empty(name, partitions) {
  const led = await leaders([name]);
  for (const node of new Set(led.values())) {
    const mine = partitions.filter((one) => led.get(place(name, one.index)) === node);
    const topics = [{ name, partitions: mine.map((one) => ({ partitionIndex: one.index, offset: -1 })) }];
    const answer = await kafka("DeleteRecords", { topics, timeoutMs: 30000 }, { node });
    for (const topic of answer.topics) for (const one of topic.partitions) await accept(one);
  }
  toast(`${name} is empty`);
}

async function remove(name) {
  const answer = await kafka("DeleteTopics", { topics: [{ name }], timeoutMs: 30000 });
  await accept(answer.responses[0]);
  toast(`Topic ${name} is deleted`);
  location.hash = "#/topics";
}
