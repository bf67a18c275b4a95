// Who has written to a topic lately, and which transactions are open in it; one that hangs can be aborted here.

import { accept, kafka, toast } from "../api.js";
import { leaders, unplace } from "../cluster.js";
import { Ago, Pill, Sure, Table, html, number, usePoll, useState } from "../parts.js";

async function ask(topic) {
  const led = await leaders([topic]);
  const rows = [];
  for (const node of new Set(led.values())) {
    const partitionIndexes = [...led].filter(([, leader]) => leader === node).map(([key]) => unplace(key)[1]);
    const answer = await kafka("DescribeProducers", { topics: [{ name: topic, partitionIndexes }] }, { node });
    for (const each of answer.topics)
      for (const one of each.partitions) {
        await accept(one);
        for (const producer of one.activeProducers)
          rows.push({
            ...producer,
            node,
            partition: one.partitionIndex,
            key: `${one.partitionIndex}/${producer.producerId}`,
          });
      }
  }
  return rows;
}

/** As kafka-transactions.sh abort does: an abort marker in this partition, whatever the coordinator knows. */
async function abort(topic, row) {
  const marker = {
    producerId: row.producerId,
    producerEpoch: row.producerEpoch,
    transactionResult: false,
    coordinatorEpoch: Math.max(0, row.coordinatorEpoch),
    topics: [{ name: topic, partitionIndexes: [row.partition] }],
  };
  const answer = await kafka("WriteTxnMarkers", { markers: [marker] }, { node: row.node });
  for (const one of answer.markers[0].topics[0].partitions) await accept(one);
  toast(`The transaction of producer ${row.producerId} in partition ${row.partition} is aborted`);
}

export default function Producers({ topic }) {
  const state = usePoll(() => ask(topic), [topic]);
  const [chosen, setChosen] = useState(null);
  const columns = [
    { title: "Partition", num: true, value: (row) => row.partition },
    { title: "Producer id", num: true, value: (row) => row.producerId },
    { title: "Epoch", num: true, value: (row) => row.producerEpoch },
    { title: "Last sequence", num: true, value: (row) => row.lastSequence, cell: (row) => number(row.lastSequence) },
    { title: "Last write", value: (row) => row.lastTimestamp, cell: (row) => html`<${Ago} ms=${row.lastTimestamp} />` },
    {
      title: "Transaction",
      grow: true,
      value: (row) => row.currentTxnStartOffset,
      cell: (row) =>
        row.currentTxnStartOffset < 0
          ? "–"
          : html`<${Pill} kind="info">open since offset ${row.currentTxnStartOffset}<//>`,
    },
    {
      title: "",
      cell: (row) =>
        row.currentTxnStartOffset >= 0 &&
        html`<button class="small danger" onClick=${() => setChosen(row)}>Abort</button>`,
    },
  ];
  if (state.error) return html`<p class="error" role="alert">${state.error.message}</p>`;
  return html`${state.data && html`<${Table} label="Producers" columns=${columns} rows=${state.data}
    keyOf=${(row) => row.key}
    empty="No producer with an id (idempotent or transactional) has written here lately." />`}
    ${chosen && html`<${Sure} title="Abort the transaction"
      text="An abort marker is written into partition ${chosen.partition} for producer ${chosen.producerId}. Its records there are never seen by read_committed consumers. For transactions that hang; others end by themselves." action="Abort" onYes=${() => abort(topic, chosen).then(state.reload)} onClose=${() => setChosen(null)} />`}`;
}
