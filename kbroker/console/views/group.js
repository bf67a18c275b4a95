// One group: its members and what each holds, how far it is behind in each partition and over time; reset, forget, delete.

import { toast } from "../api.js";
import { Chart } from "../chart.js";
import { LATEST, offsets, unplace } from "../cluster.js";
import { Configs } from "../configs.js";
import { byTopic, described, forget, lagAt, listed, progress, remember, remove } from "../groups.js";
import { Dialog, Facts, Page, Sure, Table, html, number, usePoll, useState } from "../parts.js";
import { State } from "./groups.js";
import { Reset } from "./group_reset.js";
import { topicLink } from "./topics.js";

const LINES = 6;

async function ask(about, id) {
  const group = (await listed(about)).find((one) => one.id === id);
  if (!group) throw new Error(`There is no group ${id}.`);
  const [known, made] = await Promise.all([described(id, group.kind), progress([group])]);
  const mine = made.get(id) ?? new Map();
  const keys = [...new Set([...mine.keys(), ...known.members.flatMap((member) => member.places)])];
  const ends = await offsets(keys, LATEST);
  const owners = new Map(known.members.flatMap((member) => member.places.map((key) => [key, member])));
  const rows = keys.map((key) => {
    const [topic, partition] = unplace(key);
    const at = mine.get(key);
    const end = ends.get(key);
    return {
      key,
      topic,
      partition,
      at: at?.at ?? null,
      end: end ?? null,
      lag: at ? (lagAt(at, end) ?? null) : null,
      metadata: at?.metadata,
      owner: owners.get(key),
    };
  });
  rows.sort((a, b) => a.topic.localeCompare(b.topic, undefined, { numeric: true }) || a.partition - b.partition);
  remember(id, byTopic(rows.filter((row) => row.lag !== null).map((row) => [row.key, row.lag])));
  return { ...group, ...known, rows };
}

const memberColumns = (kind) =>
  [
    {
      title: "Member",
      value: (row) => row.id,
      cell: (row) => html`<span class="mono" title=${row.id}>${row.instance ?? row.id}</span>`,
    },
    { title: "Client", value: (row) => row.client },
    { title: "Host", value: (row) => row.host },
    kind !== "classic" && { title: "Epoch", num: true, value: (row) => row.epoch },
    { title: kind === "streams" ? "Tasks" : "Partitions", num: true, value: (row) => row.holds.length },
    {
      title: "Holds",
      grow: true,
      cell: (row) => html`<span title=${row.holds.join("\n")}>${row.holds.join(", ") || "nothing"}</span>`,
    },
    kind !== "classic" && { title: "Reads", cell: (row) => row.note },
  ].filter(Boolean);

const OFFSETS = [
  {
    title: "Topic",
    value: (row) => row.topic,
    grow: true,
    cell: (row) => html`<a href=${topicLink(row.topic)} tabindex="-1">${row.topic}</a>`,
  },
  { title: "Partition", num: true, value: (row) => row.partition },
  {
    title: "Goes on at",
    num: true,
    value: (row) => row.at,
    cell: (row) => number(row.at),
    hint: "The committed offset; of a share group its start offset",
  },
  { title: "End", num: true, value: (row) => row.end, cell: (row) => number(row.end) },
  {
    title: "Lag",
    num: true,
    value: (row) => row.lag,
    cell: (row) => html`<b class=${row.lag ? "" : "soft"}>${number(row.lag)}</b>`,
  },
  {
    title: "Member",
    value: (row) => row.owner?.client,
    cell: (row) =>
      html`<span title=${row.owner?.id}>${row.owner ? (row.owner.instance ?? row.owner.client) : "–"}</span>`,
  },
];

function Lag({ id }) {
  const samples = remember(id);
  const topics = [...new Set(samples.flatMap((sample) => [...sample.lags.keys()]))];
  if (!topics.length) return null;
  const size = (topic) => samples.at(-1).lags.get(topic) ?? 0;
  const names = topics
    .sort((a, b) => size(b) - size(a) || a.localeCompare(b))
    .slice(0, LINES)
    .sort();
  return html`<section aria-label="Lag over time"><h2>Lag over time</h2>
    <${Chart} label="Lag" names=${names} times=${samples.map((one) => one.time)}
      values=${names.map((name) => samples.map((one) => one.lags.get(name) ?? null))} /></section>`;
}

export default function Group({ params: { id }, about }) {
  const state = usePoll(() => ask(about, id), [about, id]);
  const [asking, setAsking] = useState("");
  const close = () => setAsking("");
  const actions =
    state.data &&
    html`
    ${state.data.kind !== "classic" && html`<button onClick=${() => setAsking("configs")}>Configs</button>`}
    <button onClick=${() => setAsking("reset")}>Reset offsets</button>
    <button onClick=${() => setAsking("forget")} disabled=${!state.data.rows.length}>Forget a topic</button>
    <button class="danger" onClick=${() => setAsking("delete")}>Delete</button>`;
  return html`<${Page} title=${id} actions=${actions} state=${state}>${() => {
    const group = state.data;
    return html`<${Facts} facts=${[
      ["State", html`<${State} state=${group.state} />`],
      ["Kind", group.kind],
      ["Assignor", group.assignor || "none yet"],
      group.epoch !== undefined && ["Epoch", group.epoch],
      group.assignmentEpoch !== undefined && ["Assignment epoch", group.assignmentEpoch],
      ["Coordinator", `broker ${group.node}`],
      ["Lag", number(group.rows.reduce((sum, row) => sum + (row.lag ?? 0), 0))],
      group.topology && ["Subtopologies", group.topology.subtopologies?.length ?? 0],
    ]} />
    <${Lag} id=${id} />
    <h2>Members <span class="count">${group.members.length}</span></h2>
    <${Table} label="Members" columns=${memberColumns(group.kind)} rows=${group.members} keyOf=${(row) => row.id}
      empty="Nobody is in it now." />
    <h2>Partitions <span class="count">${group.rows.length}</span></h2>
    <${Table} label="Offsets" columns=${OFFSETS} rows=${group.rows} keyOf=${(row) => row.key}
      empty="Nothing is committed." />
    ${asking === "reset" && html`<${Reset} group=${group} onClose=${close} onDone=${state.reload} />`}
    ${asking === "configs" && html`<${Dialog} title="Configs of ${id}" wide onClose=${close}><div class="stack">
      <${Configs} kind="group" name=${id} /></div><//>`}
    ${asking === "forget" && html`<${Forget} group=${group} onClose=${close} onDone=${state.reload} />`}
    ${asking === "delete" && html`<${Sure} title="Delete ${id}"
      text="The group is deleted with all committed offsets. It must have no members." word=${id}
      onYes=${() => drop(id)} onClose=${close} />`}`;
  }}<//>`;
}

function Forget({ group, onClose, onDone }) {
  const topics = [...new Set(group.rows.map((row) => row.topic))];
  const [topic, setTopic] = useState(topics[0]);
  const yes = async () => {
    await forget(
      group.id,
      group.kind,
      topic,
      group.rows.filter((row) => row.topic === topic && row.at !== null).map((row) => row.key),
    );
    toast(`${group.id} has forgotten ${topic}`);
    await onDone();
  };
  const text = html`What it has committed for <select aria-label="Topic" value=${topic}
    onChange=${(e) => setTopic(e.target.value)}>${topics.map((one) => html`<option value=${one}>${one}</option>`)}</select> is deleted.`;
  return html`<${Sure} title="Forget a topic" text=${text} action="Forget" onYes=${yes} onClose=${onClose} />`;
}

async function drop(id) {
  await remove(id);
  toast(`Group ${id} is deleted`);
  location.hash = "#/groups";
}
