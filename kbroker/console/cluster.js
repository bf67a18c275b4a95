// What several views ask a cluster for: whom to ask about what, offsets of partitions, configs.
//
// A place is "topic/partition" as one string, since a topic's name holds no slash.

import { accept, kafka } from "./api.js";

export const place = (topic, partition) => `${topic}/${partition}`;
export const unplace = (key) => [key.slice(0, key.lastIndexOf("/")), Number(key.slice(key.lastIndexOf("/") + 1))];

export const GROUP = 0;
export const TRANSACTION = 1;
export const EARLIEST = -2;
export const LATEST = -1;

const NOT_YET = new Set([14, 15, 16, 51]); // loading, not available, not the coordinator, another transaction is ending
const PAUSE_MS = 150;
const TURNS = 20;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function coordinator(key, keyType) {
  const { coordinators } = await kafka("FindCoordinator", { keyType, coordinatorKeys: [key] });
  return coordinators[0];
}

/** Asks the coordinator of a group or transaction; while it is on its way it asks again. `codeOf(answer)` is what counts. */
export async function askCoordinator(api, key, body, codeOf, { keyType = GROUP, version } = {}) {
  for (let turn = 0; ; turn += 1) {
    const found = await coordinator(key, keyType);
    const answer = found.errorCode ? found : await kafka(api, body, { node: found.nodeId, version });
    const code = found.errorCode || codeOf(answer);
    if (!NOT_YET.has(code) || turn === TURNS) return found.errorCode ? accept(found) : answer;
    await pause(PAUSE_MS);
  }
}

/** Of several groups at once: {node: [keys]}; those that have no coordinator yet are left out. */
export async function coordinators(keys, keyType = GROUP) {
  const found = new Map();
  if (!keys.length) return found;
  const answer = await kafka("FindCoordinator", { keyType, coordinatorKeys: keys });
  for (const one of answer.coordinators)
    if (!one.errorCode) found.set(one.nodeId, [...(found.get(one.nodeId) ?? []), one.key]);
  return found;
}

/** Where each partition is led: Map of places to nodes, of all topics or of some. */
export async function leaders(names = null) {
  const { topics } = await kafka("Metadata", {
    topics: names && names.map((name) => ({ name })),
    allowAutoTopicCreation: false,
  });
  const found = new Map();
  for (const topic of topics)
    for (const one of topic.partitions)
      if (one.leaderId >= 0) found.set(place(topic.name, one.partitionIndex), one.leaderId);
  return found;
}

/** [{name, partitions: [...]}] of places, as many requests want them; `partition(topic, index)` makes the inner items. */
export function grouped(places, partition = (_, index) => index, name = "name", partitions = "partitions") {
  const topics = new Map();
  for (const key of places) {
    const [topic, index] = unplace(key);
    if (!topics.has(topic)) topics.set(topic, []);
    topics.get(topic).push(partition(topic, index));
  }
  return [...topics].map(([topic, items]) => ({ [name]: topic, [partitions]: items }));
}

/** The offsets of places at a timestamp (or EARLIEST, LATEST), each asked of its leader: Map of places; -1: no such record. */
export async function offsets(places, timestamp, led) {
  const where = led ?? (await leaders([...new Set(places.map((key) => unplace(key)[0]))]));
  const byNode = new Map();
  for (const key of places)
    if (where.has(key)) byNode.set(where.get(key), [...(byNode.get(where.get(key)) ?? []), key]);
  const found = new Map();
  await Promise.all(
    [...byNode].map(async ([node, keys]) => {
      const topics = grouped(keys, (_, partitionIndex) => ({ partitionIndex, timestamp }));
      const answer = await kafka("ListOffsets", { replicaId: -1, isolationLevel: 0, topics }, { node });
      for (const topic of answer.topics)
        for (const one of topic.partitions)
          if (!one.errorCode) found.set(place(topic.name, one.partitionIndex), one.offset);
    }),
  );
  return found;
}

/** All nodes' answers to one request, by node; a node that does not answer is left out. */
export async function everywhere(about, api, body) {
  const answers = await Promise.all(
    about.nodes.map((node) =>
      kafka(api, body, { node }).then(
        (answer) => [node, answer],
        () => null,
      ),
    ),
  );
  return new Map(answers.filter(Boolean));
}

/** Sizes in bytes by place, of the leaders' logs. */
export async function sizes(about, led) {
  const found = new Map();
  for (const [node, answer] of await everywhere(about, "DescribeLogDirs", { topics: null }))
    for (const dir of answer.results)
      for (const topic of dir.topics)
        for (const one of topic.partitions) {
          const key = place(topic.name, one.partitionIndex);
          if (!led || led.get(key) === node) found.set(key, one.partitionSize);
        }
  return found;
}

export const KINDS = { topic: 2, broker: 4, metrics: 16, group: 32 };
const SET = 0;
const DELETE = 1;

/** Changes configs of one resource: {name: value}; null gives it back to its default. */
export async function alterConfigs(kind, name, changes, { validateOnly = false, node } = {}) {
  const configs = Object.entries(changes).map(([key, value]) => ({
    name: key,
    configOperation: value === null ? DELETE : SET,
    value,
  }));
  const resources = [{ resourceType: KINDS[kind], resourceName: name, configs }];
  const answer = await kafka("IncrementalAlterConfigs", { resources, validateOnly }, { node });
  return accept(answer.responses[0]);
}

/** Configs of one resource with their sources and words. */
export async function configsOf(kind, name, { node } = {}) {
  const resources = [{ resourceType: KINDS[kind], resourceName: name, configurationKeys: null }];
  const answer = await kafka(
    "DescribeConfigs",
    { resources, includeSynonyms: true, includeDocumentation: true },
    { node },
  );
  return (await accept(answer.results[0])).configs;
}

/** "name=value" lines to an object; what is no such line is said. */
export function pairs(text) {
  const found = {};
  for (const line of text
    .split("\n")
    .map((each) => each.trim())
    .filter(Boolean)) {
    const at = line.indexOf("=");
    if (at < 1) throw new Error(`"${line}" is not name=value.`);
    found[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return found;
}
