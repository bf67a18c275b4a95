// Transactions: every transactional id with its state; what an open one holds, and ending it.

import { accept, kafka, toast } from "../api.js";
import { TRANSACTION, askCoordinator, coordinators, everywhere } from "../cluster.js";
import {
  Ago,
  Dialog,
  Facts,
  Page,
  Pill,
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

const FENCING_TIMEOUT_MS = 1;
const OPEN = new Set(["Ongoing", "PrepareCommit", "PrepareAbort", "PrepareEpochFence"]);

async function ask(about) {
  const listed = [];
  for (const [node, answer] of await everywhere(about, "ListTransactions", {}))
    for (const one of answer.transactionStates) listed.push({ ...one, node });
  const known = new Map();
  for (const [node, ids] of await coordinators(
    listed.map((one) => one.transactionalId),
    TRANSACTION,
  )) {
    const answer = await kafka("DescribeTransactions", { transactionalIds: ids }, { node });
    for (const one of answer.transactionStates) if (!one.errorCode) known.set(one.transactionalId, one);
  }
  return listed.map((one) => {
    const more = known.get(one.transactionalId);
    const topics = (more?.topics ?? []).flatMap((topic) => topic.partitions.map((at) => `${topic.topic}/${at}`));
    const started = more && OPEN.has(one.transactionState) ? more.transactionStartTimeMs : null;
    return {
      id: one.transactionalId,
      producer: one.producerId,
      state: one.transactionState,
      node: one.node,
      epoch: more?.producerEpoch,
      timeout: more?.transactionTimeoutMs,
      started,
      topics,
    };
  });
}

const STATES = {
  Ongoing: "info",
  PrepareCommit: "warn",
  PrepareAbort: "warn",
  CompleteCommit: "good",
  CompleteAbort: "plain",
  Empty: "plain",
};
const State = ({ state }) => html`<${Pill} kind=${STATES[state] ?? "plain"}>${state}<//>`;

const COLUMNS = [
  { title: "Transactional id", grow: true, value: (row) => row.id },
  { title: "State", value: (row) => row.state, cell: (row) => html`<${State} state=${row.state} />` },
  { title: "Open since", value: (row) => row.started, cell: (row) => html`<${Ago} ms=${row.started} />` },
  {
    title: "Timeout",
    num: true,
    value: (row) => row.timeout,
    cell: (row) => (row.timeout ? duration(row.timeout) : "–"),
  },
  { title: "Partitions", num: true, value: (row) => row.topics.length },
  { title: "Producer id", num: true, value: (row) => row.producer },
  { title: "Epoch", num: true, value: (row) => row.epoch },
  { title: "Coordinator", num: true, value: (row) => row.node },
];

export default function Transactions({ about }) {
  const state = usePoll(() => ask(about), [about]);
  const [filter, setFilter] = useState("");
  const [open, setOpen] = useState(false);
  const [chosen, setChosen] = useState(null);
  const rows = useMemo(
    () =>
      (state.data ?? []).filter(
        (row) => row.id.toLowerCase().includes(filter.toLowerCase()) && (!open || row.started !== null),
      ),
    [state.data, filter, open],
  );
  const actions = html`<${Search} value=${filter} onInput=${setFilter} label="Filter transactions" />
    <label class="inline"><input type="checkbox" checked=${open}
      onChange=${(e) => setOpen(e.target.checked)} /> open only</label>`;
  return html`<${Page} title="Transactions"
    lead=${state.data && `${number(rows.length)} of ${number(state.data.length)}`} actions=${actions} state=${state}>
    <${Table} label="Transactions" columns=${COLUMNS} rows=${rows} keyOf=${(row) => row.id}
      onOpen=${(row) => setChosen(row.id)}
      empty=${filter || open ? "No transaction like this." : "No producer has a transactional id. Who writes without one is on its topic's page, under Producers."} />
    ${chosen && html`<${One} key=${chosen} row=${(state.data ?? []).find((row) => row.id === chosen)}
      onClose=${() => setChosen(null)} onDone=${state.reload} />`}
  <//>`;
}

function One({ row, onClose, onDone }) {
  const [sure, setSure] = useState(false);
  if (!row) return null;
  const fence = async () => {
    const body = { transactionalId: row.id, transactionTimeoutMs: FENCING_TIMEOUT_MS };
    await accept(
      await askCoordinator("InitProducerId", row.id, body, (got) => got.errorCode, { keyType: TRANSACTION }),
    );
    toast(`${row.id} is fenced`);
    await onDone();
  };
  if (sure)
    return html`<${Sure} title="Abort and fence ${row.id}"
      text="What is open is aborted, and the producer that has this id now can no longer write: as if another one had started with it." action="Abort" onYes=${fence} onClose=${() => setSure(false)} />`;
  return html`<${Dialog} title=${row.id} wide onClose=${onClose}>
    <${Facts} facts=${[
      ["State", html`<${State} state=${row.state} />`],
      ["Producer id", row.producer],
      ["Epoch", row.epoch],
      ["Timeout", row.timeout && duration(row.timeout)],
      ["Open since", html`<${Ago} ms=${row.started} />`],
      ["Coordinator", `broker ${row.node}`],
    ]} />
    <h2>Partitions in it</h2>
    <${Table} label="Partitions of the transaction"
      columns=${[{ title: "Partition", value: (one) => one, grow: true }]} rows=${row.topics} keyOf=${(one) => one}
      empty="None just now." />
    <form onSubmit=${(event) => (event.preventDefault(), setSure(true))}><footer><button type="button"
      onClick=${onClose}>Close</button><button class="danger">Abort and fence</button></footer></form>
  <//>`;
}
