// All groups, of all kinds, with how far they are behind.

import { LATEST, offsets } from "../cluster.js";
import { byTopic, lagAt, listed, progress, remember } from "../groups.js";
import { Page, Pill, Search, Table, html, number, useMemo, usePoll, useState } from "../parts.js";

async function ask(about) {
  const groups = await listed(about);
  const made = await progress(groups);
  const ends = await offsets([...new Set([...made.values()].flatMap((mine) => [...mine.keys()]))], LATEST);
  return groups.map((group) => {
    const lags = [...(made.get(group.id) ?? [])].map(([key, mine]) => [key, lagAt(mine, ends.get(key))]);
    const topics = byTopic(lags);
    remember(group.id, topics);
    return {
      ...group,
      topics: [...topics.keys()],
      lag: lags.length ? [...topics.values()].reduce((sum, lag) => sum + lag, 0) : null,
    };
  });
}

const STATES = { stable: "good", empty: "plain", dead: "bad" };
export const State = ({ state }) => html`<${Pill} kind=${STATES[state.toLowerCase()] ?? "warn"}>${state}<//>`;
export const groupLink = (id) => `#/groups/${encodeURIComponent(id)}`;

const COLUMNS = [
  {
    title: "Group",
    grow: true,
    value: (row) => row.id,
    cell: (row) => html`<a href=${groupLink(row.id)} tabindex="-1">${row.id}</a>`,
  },
  { title: "Kind", value: (row) => row.kind },
  { title: "State", value: (row) => row.state, cell: (row) => html`<${State} state=${row.state} />` },
  {
    title: "Topics",
    value: (row) => row.topics.length,
    cell: (row) =>
      html`<span title=${row.topics.join("\n")}>${row.topics.slice(0, 2).join(", ")}${row.topics.length > 2 ? ` and ${row.topics.length - 2} more` : ""}</span>`,
  },
  {
    title: "Lag",
    num: true,
    value: (row) => row.lag,
    cell: (row) => number(row.lag),
    hint: "Offsets between what is committed and the ends of the partitions",
  },
  { title: "Coordinator", num: true, value: (row) => row.node },
];

const KINDS = ["all kinds", "classic", "consumer", "share", "streams"];

export default function Groups({ about }) {
  const state = usePoll(() => ask(about), [about], 3000);
  const [filter, setFilter] = useState("");
  const [kind, setKind] = useState(KINDS[0]);
  const rows = useMemo(
    () =>
      (state.data ?? []).filter(
        (row) => row.id.toLowerCase().includes(filter.toLowerCase()) && (kind === KINDS[0] || row.kind === kind),
      ),
    [state.data, filter, kind],
  );
  const actions = html`<${Search} value=${filter} onInput=${setFilter} label="Filter groups" />
    <select aria-label="Kind" value=${kind} onChange=${(event) => setKind(event.target.value)}>${KINDS.map((one) => html`<option value=${one}>${one}</option>`)}</select>`;
  return html`<${Page} title="Groups" lead=${state.data && `${number(rows.length)} of ${number(state.data.length)}`}
    actions=${actions} state=${state}>
    <${Table} label="Groups" columns=${COLUMNS} rows=${rows} keyOf=${(row) => row.id}
      onOpen=${(row) => (location.hash = groupLink(row.id))}
      empty=${filter || kind !== KINDS[0] ? "No group like this." : "There are no groups yet. A consumer with a group id makes one."} />
  <//>`;
}
