// Where a group goes on reading: a plan first, which changes nothing; then it is carried out as it was shown.

import { toast } from "../api.js";
import { EARLIEST, LATEST, leaders, offsets, unplace } from "../cluster.js";
import { moveTo } from "../groups.js";
import { Dialog, Form, Table, html, number, useEffect, useState } from "../parts.js";

const WISHES = [
  ["earliest", "the first record"],
  ["latest", "the end"],
  ["time", "a point in time"],
  ["offset", "an offset"],
  ["shift", "so many further or back"],
];
const ALL = "all that it has committed";

/** Where each place is to go on: {place: offset}, never beyond the ends of its partition. */
export function aims(wish, value, keys, { first, end, at, found }) {
  const wanted = {
    earliest: (key) => first.get(key),
    latest: (key) => end.get(key),
    time: (key) => (found.get(key) >= 0 ? found.get(key) : end.get(key)),
    offset: () => value,
    shift: (key) => (at.get(key) ?? end.get(key)) + value,
  }[wish];
  return Object.fromEntries(
    keys
      .filter((key) => end.has(key))
      .map((key) => [key, Math.min(Math.max(wanted(key), first.get(key)), end.get(key))]),
  );
}

function valueOf({ wish, time, number: text }) {
  if (wish === "time") {
    const ms = new Date(time).getTime();
    if (Number.isNaN(ms)) throw new Error("Say a date and a time.");
    return ms;
  }
  if (wish !== "offset" && wish !== "shift") return 0;
  if (!/^-?\d+$/.test(text)) throw new Error("Say a whole number.");
  return Number(text);
}

export function Reset({ group, onClose, onDone }) {
  const [plan, setPlan] = useState(null);
  const [topics, setTopics] = useState([]);
  useEffect(
    () => void leaders().then((led) => setTopics([...new Set([...led.keys()].map((key) => unplace(key)[0]))].sort())),
    [],
  );
  const at = new Map(group.rows.filter((row) => row.at !== null).map((row) => [row.key, row.at]));
  const draw = async (values) => {
    const value = valueOf(values);
    const led = await leaders(values.topic === ALL ? null : [values.topic]);
    const keys = values.topic === ALL ? [...at.keys()] : [...led.keys()];
    if (!keys.length)
      throw new Error(
        values.topic === ALL ? "It has committed nothing: choose a topic." : `There is no topic ${values.topic}.`,
      );
    const [first, end, found] = await Promise.all([
      offsets(keys, EARLIEST, led),
      offsets(keys, LATEST, led),
      values.wish === "time" ? offsets(keys, value, led) : new Map(),
    ]);
    setPlan(
      Object.entries(aims(values.wish, value, keys, { first, end, at, found })).map(([key, to]) => ({
        key,
        topic: unplace(key)[0],
        partition: unplace(key)[1],
        from: at.get(key) ?? null,
        to,
        end: end.get(key),
      })),
    );
  };
  const carryOut = async () => {
    await moveTo(group.id, group.kind, Object.fromEntries(plan.map((row) => [row.key, row.to])));
    toast(`${group.id} goes on elsewhere in ${plan.length} ${plan.length === 1 ? "partition" : "partitions"}`);
    await onDone();
    onClose();
  };
  const fields = [
    {
      name: "topic",
      label: "Of which topic",
      type: "select",
      value: at.size ? ALL : (topics[0] ?? ALL),
      options: [ALL, ...topics],
    },
    { name: "wish", label: "Go on at", type: "select", value: "earliest", options: WISHES },
    {
      name: "time",
      label: "Time",
      type: "datetime-local",
      step: 1,
      value: "",
      hint: "Of your own clock. The first record at or after it.",
      when: (values) => values.wish === "time",
    },
    {
      name: "number",
      label: "Number",
      type: "number",
      value: "0",
      when: (values) => values.wish === "offset" || values.wish === "shift",
      hint: "Beyond the ends of a partition its end is taken.",
    },
  ];
  return html`<${Dialog} title="Reset offsets of ${group.id}" wide=${plan} onClose=${onClose}>
    ${group.members.length > 0 && html`<p class="warn">It has ${group.members.length} members. Stop them first, or it is refused.</p>`}
    ${
      plan
        ? html`<p>Nothing has been changed yet.</p><${Table} label="Plan" columns=${PLAN} rows=${plan}
          keyOf=${(row) => row.key} />
        <${Form} fields=${[]} submit="Reset ${plan.length} ${plan.length === 1 ? "partition" : "partitions"}"
          onSubmit=${carryOut} onCancel=${() => setPlan(null)} />`
        : html`<${Form} key=${topics.length} fields=${fields} submit="Show the plan" onSubmit=${draw}
          onCancel=${onClose} />`
    }
  <//>`;
}

const signed = (value) => (value > 0 ? `+${number(value)}` : number(value));
const PLAN = [
  { title: "Topic", value: (row) => row.topic, grow: true },
  { title: "Partition", num: true, value: (row) => row.partition },
  { title: "Now", num: true, value: (row) => row.from, cell: (row) => number(row.from) },
  { title: "Then", num: true, value: (row) => row.to, cell: (row) => html`<b>${number(row.to)}</b>` },
  {
    title: "Moves by",
    num: true,
    value: (row) => row.to - (row.from ?? row.to),
    cell: (row) => (row.from === null ? "–" : signed(row.to - row.from)),
  },
  { title: "Lag then", num: true, value: (row) => row.end - row.to, cell: (row) => number(row.end - row.to) },
];
