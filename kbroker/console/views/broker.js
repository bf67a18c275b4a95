// One broker: its configs with who set them, and what its log directories hold.

import { kafka } from "../api.js";
import { Configs } from "../configs.js";
import { Bytes, Facts, Page, Table, Tabs, html, number, usePoll } from "../parts.js";
import { topicLink } from "./topics.js";

async function ask(id) {
  const [cluster, logs] = await Promise.all([
    kafka("DescribeCluster", {}, { node: id }),
    kafka("DescribeLogDirs", { topics: null }, { node: id }),
  ]);
  const broker = cluster.brokers.find((one) => one.brokerId === id);
  if (!broker) throw new Error(`There is no broker ${id} just now.`);
  const rows = logs.results.flatMap((dir) =>
    dir.topics.flatMap((topic) =>
      topic.partitions.map((one) => ({
        dir: dir.logDir,
        topic: topic.name,
        partition: one.partitionIndex,
        size: one.partitionSize,
        behind: one.offsetLag,
      })),
    ),
  );
  return { broker, rows, isController: cluster.controllerId === id };
}

const COLUMNS = [
  {
    title: "Topic",
    grow: true,
    value: (row) => row.topic,
    cell: (row) => html`<a href=${topicLink(row.topic)} tabindex="-1">${row.topic}</a>`,
  },
  { title: "Partition", num: true, value: (row) => row.partition },
  {
    title: "Behind",
    num: true,
    value: (row) => row.behind,
    cell: (row) => number(row.behind),
    hint: "Offsets between this replica and the high watermark",
  },
  { title: "Size", num: true, value: (row) => row.size, cell: (row) => html`<${Bytes} count=${row.size} />` },
  { title: "Directory", value: (row) => row.dir },
];

export default function Broker({ params, query }) {
  const id = Number(params.id);
  const state = usePoll(() => ask(id), [id], 4000);
  const at = query.tab ?? "configs";
  const tab = (name, title) => ({ name, title, href: `#/brokers/${id}?tab=${name}` });
  return html`<${Page} title="Broker ${id}" state=${state}>${() => {
    const { broker, rows, isController } = state.data;
    return html`<${Facts} facts=${[
      ["Address", html`<code>${broker.host}:${broker.port}</code>`],
      ["Rack", broker.rack ?? "none"],
      ["Controller", isController ? "yes" : "no"],
      ["Replicas", number(rows.length)],
      ["Size", html`<${Bytes} count=${rows.reduce((sum, row) => sum + row.size, 0)} />`],
    ]} />
    <${Tabs} tabs=${[tab("configs", "Configs"), tab("logs", "Replicas")]} at=${at} />
    ${
      at === "logs"
        ? html`<${Table} label="Replicas" columns=${COLUMNS} rows=${rows}
          keyOf=${(row) => `${row.topic}/${row.partition}`} empty="It holds nothing." />`
        : html`<${Configs} kind="broker" name=${String(id)} node=${id} />`
    }`;
  }}<//>`;
}
