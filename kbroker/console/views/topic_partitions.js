// A topic's partitions: who leads, who is in sync, offsets and sizes.

import { Bytes, Pill, Table, html, number } from "../parts.js";

const COLUMNS = [
  { title: "Partition", num: true, value: (row) => row.index },
  {
    title: "Leader",
    value: (row) => row.leader,
    cell: (row) => (row.leader < 0 ? html`<${Pill} kind="bad">none<//>` : row.leader),
  },
  { title: "Replicas", cell: (row) => row.replicas.join(", ") },
  {
    title: "In sync",
    grow: true,
    value: (row) => row.isr.length - row.replicas.length,
    cell: (row) =>
      row.isr.length < row.replicas.length
        ? html`<${Pill} kind="warn">${row.isr.join(", ") || "none"}<//>`
        : row.isr.join(", "),
  },
  { title: "Leader epoch", num: true, value: (row) => row.epoch },
  { title: "First offset", num: true, value: (row) => row.start, cell: (row) => number(row.start) },
  { title: "End offset", num: true, value: (row) => row.end, cell: (row) => number(row.end) },
  {
    title: "Offsets held",
    num: true,
    value: (row) => row.end - row.start,
    cell: (row) => number(row.end - row.start),
    hint: "End minus first; compaction and markers make it more than there are records",
  },
  { title: "Size", num: true, value: (row) => row.size, cell: (row) => html`<${Bytes} count=${row.size} />` },
];

export default ({ data }) =>
  html`<${Table} label="Partitions" columns=${COLUMNS} rows=${data.partitions} keyOf=${(row) => row.index} />`;
