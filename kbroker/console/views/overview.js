// The cluster and its brokers: what is there, how much of it, and whether all is well.

import { kafka } from "../api.js";
import { everywhere } from "../cluster.js";
import { Bytes, Facts, Page, Pill, Table, bytes, html, number, usePoll } from "../parts.js";

async function ask(about) {
  const [metadata, cluster, groups, features, dirs] = await Promise.all([
    kafka("Metadata", { topics: null }),
    kafka("DescribeCluster", {}),
    everywhere(about, "ListGroups", {}),
    kafka("ApiVersions", { clientSoftwareName: "kbroker-console", clientSoftwareVersion: about.version }),
    everywhere(about, "DescribeLogDirs", { topics: null }),
  ]);
  return {
    metadata,
    cluster,
    groups: [...groups.values()].reduce((sum, answer) => sum + answer.groups.length, 0),
    features,
    dirs,
  };
}

function brokersOf({ metadata, cluster, dirs }) {
  const rows = cluster.brokers.map((broker) => ({
    id: broker.brokerId,
    place: `${broker.host}:${broker.port}`,
    rack: broker.rack,
    leads: 0,
    holds: 0,
    size: null,
  }));
  const byId = new Map(rows.map((row) => [row.id, row]));
  for (const topic of metadata.topics)
    for (const partition of topic.partitions) {
      const leader = byId.get(partition.leaderId);
      if (leader) leader.leads += 1;
      for (const replica of partition.replicaNodes) if (byId.has(replica)) byId.get(replica).holds += 1;
    }
  for (const [node, answer] of dirs) if (byId.has(node)) byId.get(node).size = sizeOf(answer);
  return rows;
}

const sizeOf = (answer) =>
  answer.results
    .flatMap((dir) => dir.topics.flatMap((topic) => topic.partitions))
    .reduce((sum, one) => sum + one.partitionSize, 0);

function healthOf({ topics }) {
  const partitions = topics.flatMap((topic) => topic.partitions);
  return {
    partitions: partitions.length,
    offline: partitions.filter((one) => one.leaderId < 0).length,
    under: partitions.filter((one) => one.isrNodes.length < one.replicaNodes.length).length,
  };
}

export default function Overview({ about }) {
  const state = usePoll(() => ask(about), [about]);
  return html`<${Page} title="Overview" state=${state}>${() => {
    const { data } = state;
    const brokers = brokersOf(data);
    const health = healthOf(data.metadata);
    const topics = data.metadata.topics.filter((topic) => !topic.isInternal);
    const columns = [
      {
        title: "Broker",
        value: (row) => row.id,
        cell: (row) =>
          html`${row.id} ${row.id === data.cluster.controllerId && html`<${Pill} kind="info">controller<//>`}`,
      },
      { title: "Address", value: (row) => row.place, grow: true },
      { title: "Rack", value: (row) => row.rack, cell: (row) => row.rack ?? "–" },
      {
        title: "Leads",
        num: true,
        value: (row) => row.leads,
        cell: (row) => number(row.leads),
        hint: "Partitions that this broker leads",
      },
      { title: "Replicas", num: true, value: (row) => row.holds, cell: (row) => number(row.holds) },
      { title: "Size", num: true, value: (row) => row.size, cell: (row) => html`<${Bytes} count=${row.size} />` },
    ];
    const card = (count, what, href, bad) =>
      html`<a class="card ${bad ? "bad" : ""}" href=${href}>
        <b>${typeof count === "number" ? number(count) : count}</b><span>${what}</span></a>`;
    return html`
      <div class="cards">
        ${card(brokers.length, "brokers", "#/")}
        ${card(topics.length, "topics", "#/topics")}
        ${card(health.partitions, "partitions", "#/topics")}
        ${card(health.under, "under-replicated", "#/topics", health.under)}
        ${card(health.offline, "without a leader", "#/topics", health.offline)}
        ${card(data.groups, "groups", "#/groups")}
        ${card(bytes(brokers.reduce((sum, row) => sum + (row.size ?? 0), 0)), "held", "#/topics")}
      </div>
      <${Table} label="Brokers" columns=${columns} rows=${brokers} keyOf=${(row) => row.id}
        onOpen=${(row) => (location.hash = `#/brokers/${row.id}`)} />
      <${Facts} facts=${[
        ["Clients connect to", html`<code>${about.bootstrap.join(", ")}</code>`],
        ["Cluster id", html`<code>${data.cluster.clusterId}</code>`],
        ["Data", html`<code>${about.data}</code>`],
        ["Version", `kbroker ${about.version}`],
        ["Features", data.features.finalizedFeatures.map((one) => `${one.name} ${one.maxVersionLevel}`).join(", ")],
        [
          "For machines",
          html`<a href="/openapi.json">openapi.json</a>, <a href="/metrics">metrics</a>${about.control ? html`, <a href="/control">control</a>` : ""}`,
        ],
      ]} />`;
  }}<//>`;
}
