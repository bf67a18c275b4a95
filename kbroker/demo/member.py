"""A member of a consumer group as KIP-848 has it: heartbeats carry what is subscribed and held, answers what to hold.

One thread: `poll` sends a heartbeat when one is due, takes what it is given, gives up what it is told to, and reads.
Whoever is fenced gives up everything and joins anew. Offsets are committed by whoever has read.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping

from kbroker.client.cluster import Client
from kbroker.client.errors import check
from kbroker.client.groups import commit_topics
from kbroker.client.offsets import EARLIEST, Place, grouped, offsets
from kbroker.client.reading import Reader
from kbroker.records.read import Read
from wire.errors import ErrorCode
from wire.messages.consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
    RequestTopicPartitions,
)
from wire.messages.offset_commit import OffsetCommitRequest, OffsetCommitResponse
from wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
    OffsetFetchResponse,
)
from wire.primitives import ZERO_UUID

JOIN, LEAVE = 0, -1
BY_NAME = 9
REBALANCE_TIMEOUT_MS = 30_000
GONE = (ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.FENCED_MEMBER_EPOCH, ErrorCode.STALE_MEMBER_EPOCH)


class Member:
    """`epoch` and `id` go with every commit; `held` are its partitions and where each goes on."""

    def __init__(self, client: Client, group: str, topics: list[str], *, committed_only: bool = True) -> None:
        self.id = str(uuid.uuid4())
        self.epoch = JOIN
        self.group = group
        self.reader = Reader(client, {}, committed_only=committed_only)
        self._client = client
        self._topics = topics
        self._ids = {client.topic(name).topic_id: name for name in topics}
        self._due = 0.0

    @property
    def held(self) -> dict[Place, int]:
        return self.reader.next

    def poll(self, wait_ms: int) -> Iterator[Read]:
        """What there is, or nothing after `wait_ms`."""
        self.beat()
        self.reader.lost.clear()  # what retention has taken is not missed
        if not self.held:
            time.sleep(wait_ms / 1000)
            return iter(())
        return self.reader.turn(wait_ms)

    def commit(self, done: Mapping[Place, int] | None = None) -> None:
        """All that has been read is done, or all before these offsets."""
        positions = self.held if done is None else {place: at for place, at in done.items() if place in self.held}
        topics = commit_topics(positions)
        request = OffsetCommitRequest(
            group_id=self.group, generation_id_or_member_epoch=self.epoch, member_id=self.id, topics=topics
        )
        connection = self._client.coordinator(self.group)
        answer = connection.call(request, OffsetCommitResponse, newest=BY_NAME)
        for topic in answer.topics:
            for partition in topic.partitions:
                if partition.error_code in GONE:
                    self._lost()
                    return
                check(partition.error_code)

    def leave(self) -> None:
        self._heartbeat(LEAVE)

    def beat(self) -> None:
        """A heartbeat, if one is due."""
        if time.monotonic() < self._due:
            return
        answer = self._heartbeat(self.epoch)
        if answer.error_code in GONE:
            self._lost()
            return
        check(answer.error_code, answer.error_message)
        self.epoch = answer.member_epoch
        self._due = time.monotonic() + answer.heartbeat_interval_ms / 2000
        if answer.assignment is not None:
            given = {
                (self._ids[each.topic_id], index)
                for each in answer.assignment.topic_partitions
                for index in each.partitions
            }
            self._hold(given)
            self._due = 0.0  # what is held now is told at once

    def _heartbeat(self, epoch: int) -> ConsumerGroupHeartbeatResponse:
        names = {name: topic_id for topic_id, name in self._ids.items()}
        held = [
            RequestTopicPartitions(topic_id=names[name], partitions=indexes)
            for name, indexes in grouped(self.held).items()
        ]
        request = ConsumerGroupHeartbeatRequest(
            group_id=self.group,
            member_id=self.id,
            member_epoch=epoch,
            rebalance_timeout_ms=REBALANCE_TIMEOUT_MS if epoch == JOIN else -1,
            subscribed_topic_names=self._topics if epoch == JOIN else None,
            topic_partitions=held if epoch >= JOIN else None,
        )
        return self._client.coordinator(self.group).call(request, ConsumerGroupHeartbeatResponse)

    def _lost(self) -> None:
        self.epoch = JOIN
        self._due = 0.0
        self._hold(set())

    def _hold(self, given: set[Place]) -> None:
        """These partitions, and no others; those that are new go on where the group was."""
        new = given - self.held.keys()
        began = self._began(new) if new else {}
        self.reader.next = {place: self.held.get(place, began.get(place, 0)) for place in sorted(given)}

    def _began(self, places: set[Place]) -> Mapping[Place, int]:
        topics = [
            OffsetFetchRequestTopics(name=name, topic_id=ZERO_UUID, partition_indexes=indexes)
            for name, indexes in grouped(sorted(places)).items()
        ]
        asked = OffsetFetchRequestGroup(group_id=self.group, member_id=self.id, member_epoch=self.epoch, topics=topics)
        request = OffsetFetchRequest(group_id="", topics=[], groups=[asked], require_stable=True)
        answer = self._client.coordinator(self.group).call(request, OffsetFetchResponse, newest=BY_NAME)
        check(answer.groups[0].error_code)
        found = {
            (topic.name, one.partition_index): one.committed_offset
            for topic in answer.groups[0].topics
            for one in topic.partitions
        }
        never = [place for place in places if found.get(place, -1) < 0]
        return {**found, **offsets(self._client, dict.fromkeys(never, EARLIEST))} if never else found
