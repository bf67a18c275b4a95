// Who reads a topic: the groups that have committed offsets of it.

import { place } from "../cluster.js";
import { lagAt, listed, progress } from "../groups.js";
import { Table, html, number, usePoll } from "../parts.js";
import { State, groupLink } from "./groups.js";

async function ask(about, topic, partitions) {
  const groups = await listed(about);
  const made = await progress(groups);
  return groups.flatMap((group) => {
    const mine = made.get(group.id);
    const held = partitions.filter((one) => mine?.has(place(topic, one.index)));
    if (!held.length) return [];
    return [
      {
        ...group,
        partitions: held.length,
        lag: held.reduce((sum, one) => sum + (lagAt(mine.get(place(topic, one.index)), one.end ?? undefined) ?? 0), 0),
      },
    ];
  });
}

const COLUMNS = [
  {
    title: "Group",
    grow: true,
    value: (row) => row.id,
    cell: (row) => html`<a href=${groupLink(row.id)} tabindex="-1">${row.id}</a>`,
  },
  { title: "Kind", value: (row) => row.kind },
  { title: "State", value: (row) => row.state, cell: (row) => html`<${State} state=${row.state} />` },
  { title: "Partitions", num: true, value: (row) => row.partitions },
  { title: "Lag here", num: true, value: (row) => row.lag, cell: (row) => number(row.lag) },
];

export default function TopicGroups({ about, topic, data }) {
  const state = usePoll(() => ask(about, topic, data.partitions), [about, topic], 4000);
  if (state.error) return html`<p class="error" role="alert">${state.error.message}</p>`;
  return (
    state.data &&
    html`<${Table} label="Groups of the topic" columns=${COLUMNS} rows=${state.data} keyOf=${(row) => row.id}
    onOpen=${(row) => (location.hash = groupLink(row.id))} empty="No group has committed offsets of it." />`
  );
}
