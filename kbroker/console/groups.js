// Groups of all four kinds, each by the requests that its kind has, as one shape for the views.
//
//   listed   {id, kind, state, protocol, node}        described   {kind, state, epoch, assignor, members, notes}
//   a member {id, instance, client, host, rack, epoch, holds: [words], places: [places], note}
//   progress Map of places to {at, lag?, metadata?}: where a group goes on reading

import { accept, kafka, post } from "./api.js";
import { GROUP, askCoordinator, coordinators, everywhere, grouped, place } from "./cluster.js";

const BY_NAME = 9; // the newest OffsetFetch and OffsetCommit that name topics
const UNKNOWN_MEMBER_ID = 25;

export async function listed(about) {
  const found = [];
  for (const [node, answer] of await everywhere(about, "ListGroups", {}))
    for (const one of answer.groups)
      found.push({
        id: one.groupId,
        kind: one.groupType.toLowerCase() || "classic",
        state: one.groupState,
        protocol: one.protocolType,
        node,
      });
  return found;
}

const single = (answer) => answer.groups[0];

const DESCRIBE = { classic, consumer, share, streams };

export const described = (id, kind) => DESCRIBE[kind](id);

async function classic(id) {
  const answer = await askCoordinator("DescribeGroups", id, { groups: [id] }, (got) => single(got).errorCode);
  const group = await accept(single(answer));
  const assigned =
    group.protocolType === "consumer" ? await unfolded(group.members.map((one) => one.memberAssignment)) : [];
  const members = group.members.map((one, index) => {
    const places = (assigned[index]?.assignedPartitions ?? []).flatMap((topic) =>
      topic.partitions.map((at) => place(topic.topic, at)),
    );
    return {
      id: one.memberId,
      instance: one.groupInstanceId,
      client: one.clientId,
      host: one.clientHost,
      places,
      holds: places,
    };
  });
  return { kind: "classic", state: group.groupState, assignor: group.protocolData, members };
}

/** Assignments of classic members, which are bytes with a schema of their own. */
const unfolded = (blobs) => (blobs.length ? post("/decode/ConsumerProtocolAssignment", { blobs }) : []);

const heldBy = (assignment) =>
  assignment.topicPartitions.flatMap((topic) => topic.partitions.map((at) => place(topic.topicName, at)));

/** What members of consumer and share groups have alike. */
const memberOf = (one, more) => {
  const places = heldBy(one.assignment);
  return { id: one.memberId, client: one.clientId, host: one.clientHost, rack: one.rackId, epoch: one.memberEpoch, places, holds: places, ...more };
};

const modern = (group, members) => ({
  state: group.groupState,
  epoch: group.groupEpoch,
  assignmentEpoch: group.assignmentEpoch,
  assignor: group.assignorName ?? "",
  members,
});

async function consumer(id) {
  const group = await accept(
    single(await askCoordinator("ConsumerGroupDescribe", id, { groupIds: [id] }, (got) => single(got).errorCode)),
  );
  return {
    kind: "consumer",
    ...modern(
      group,
      group.members.map((one) => {
        const note =
          one.memberType === 0 ? "classic protocol" : one.subscribedTopicRegex || one.subscribedTopicNames.join(", ");
        return memberOf(one, { instance: one.instanceId, note });
      }),
    ),
  };
}

async function share(id) {
  const group = await accept(
    single(await askCoordinator("ShareGroupDescribe", id, { groupIds: [id] }, (got) => single(got).errorCode)),
  );
  return {
    kind: "share",
    ...modern(
      group,
      group.members.map((one) => memberOf(one, { note: one.subscribedTopicNames.join(", ") })),
    ),
  };
}

async function streams(id) {
  const group = await accept(
    single(await askCoordinator("StreamsGroupDescribe", id, { groupIds: [id] }, (got) => single(got).errorCode)),
  );
  const sources = new Map(
    (group.topology?.subtopologies ?? []).map((one) => [
      one.subtopologyId,
      [...one.sourceTopics, ...one.repartitionSourceTopics.map((topic) => topic.name)],
    ]),
  );
  return {
    kind: "streams",
    topology: group.topology,
    ...modern(
      group,
      group.members.map((one) => {
        const tasks = [
          ["active", one.assignment.activeTasks],
          ["standby", one.assignment.standbyTasks],
          ["warm-up", one.assignment.warmupTasks],
        ];
        const holds = tasks.flatMap(([role, items]) =>
          items.flatMap((task) => task.partitions.map((at) => `${role} ${task.subtopologyId}_${at}`)),
        );
        const places = one.assignment.activeTasks.flatMap((task) =>
          (sources.get(task.subtopologyId) ?? []).flatMap((topic) => task.partitions.map((at) => place(topic, at))),
        );
        return {
          id: one.memberId,
          instance: one.instanceId,
          client: one.clientId,
          host: one.clientHost,
          rack: one.rackId,
          epoch: one.memberEpoch,
          places,
          holds,
          note: `process ${one.processId}`,
        };
      }),
    ),
  };
}

/** What many groups have committed: Map of group ids to their progress. Share groups are asked otherwise. */
export async function progress(groups) {
  const found = new Map();
  const shares = groups.filter((one) => one.kind === "share").map((one) => one.id);
  const others = groups.filter((one) => one.kind !== "share").map((one) => one.id);
  for (const [node, ids] of await coordinators(others, GROUP)) {
    const answer = await kafka(
      "OffsetFetch",
      { groups: ids.map((groupId) => ({ groupId, topics: null })) },
      { node, version: BY_NAME },
    );
    for (const group of answer.groups) found.set(group.groupId, committedIn(group));
  }
  for (const [node, ids] of await coordinators(shares, GROUP)) {
    const answer = await kafka(
      "DescribeShareGroupOffsets",
      { groups: ids.map((groupId) => ({ groupId, topics: null })) },
      { node },
    );
    for (const group of answer.groups) found.set(group.groupId, startsIn(group));
  }
  return found;
}

function committedIn(group) {
  const found = new Map();
  for (const topic of group.topics)
    for (const one of topic.partitions)
      if (one.committedOffset >= 0)
        found.set(place(topic.name, one.partitionIndex), { at: one.committedOffset, metadata: one.metadata });
  return found;
}

function startsIn(group) {
  const found = new Map();
  for (const topic of group.topics)
    for (const one of topic.partitions)
      if (one.startOffset >= 0)
        found.set(place(topic.topicName, one.partitionIndex), {
          at: one.startOffset,
          lag: one.lag < 0 ? undefined : one.lag,
        });
  return found;
}

/** How far behind the ends: of a progress and the ends of its places. */
export const lagAt = (mine, end) => mine.lag ?? (end === undefined ? undefined : Math.max(0, end - mine.at));

/** Where a group goes on: {place: offset}. It must have no members; what is refused is thrown. */
export async function moveTo(id, kind, aims) {
  const keys = Object.keys(aims);
  if (kind === "share") {
    const topics = grouped(
      keys,
      (topic, partitionIndex) => ({ partitionIndex, startOffset: aims[place(topic, partitionIndex)] }),
      "topicName",
    );
    const answer = await accept(
      await askCoordinator("AlterShareGroupOffsets", id, { groupId: id, topics }, (got) => got.errorCode),
    );
    for (const topic of answer.responses) for (const one of topic.partitions) await accept(one);
    return;
  }
  const topics = grouped(keys, (topic, partitionIndex) => ({
    partitionIndex,
    committedOffset: aims[place(topic, partitionIndex)],
    committedMetadata: "",
  }));
  const answer = await askCoordinator(
    "OffsetCommit",
    id,
    { groupId: id, memberId: "", topics },
    (got) => got.topics[0]?.partitions[0]?.errorCode ?? 0,
    { version: BY_NAME },
  );
  for (const topic of answer.topics)
    for (const one of topic.partitions)
      await accept(
        one.errorCode === UNKNOWN_MEMBER_ID
          ? { ...one, errorMessage: "the group has members; stop its consumers first" }
          : one,
      );
}

export async function remove(id) {
  const answer = await askCoordinator("DeleteGroups", id, { groupsNames: [id] }, (got) => got.results[0].errorCode);
  await accept(answer.results[0]);
}

/** Forgets what a group has committed for a topic. */
export async function forget(id, kind, topic, keys) {
  if (kind === "share") {
    const answer = await accept(
      await askCoordinator(
        "DeleteShareGroupOffsets",
        id,
        { groupId: id, topics: [{ topicName: topic }] },
        (got) => got.errorCode,
      ),
    );
    for (const one of answer.responses) await accept(one);
    return;
  }
  const topics = grouped(keys, (_, partitionIndex) => ({ partitionIndex }));
  const answer = await accept(
    await askCoordinator("OffsetDelete", id, { groupId: id, topics }, (got) => got.errorCode),
  );
  for (const each of answer.topics) for (const one of each.partitions) await accept(one);
}

const KEPT = 1800;
const remembered = new Map();

/** The lag of a group over time, as this page has seen it: [{time, lags: Map of topics}]; `now` is what it is at this moment. */
export function remember(id, now) {
  const samples = remembered.get(id) ?? [];
  if (now) {
    samples.push({ time: Date.now(), lags: now });
    if (samples.length > KEPT) samples.shift();
    remembered.set(id, samples);
  }
  return samples;
}

/** Sums by topic of [place, lag] pairs. */
export function byTopic(lags) {
  const found = new Map();
  for (const [key, lag] of lags)
    if (lag !== undefined)
      found.set(key.slice(0, key.lastIndexOf("/")), (found.get(key.slice(0, key.lastIndexOf("/"))) ?? 0) + lag);
  return found;
}
