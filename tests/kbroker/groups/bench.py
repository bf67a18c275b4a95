"""A machine of groups on a bench: its log is a list, its time a number, its timers a dictionary, and all is watched.

`Bench` plays the runtime: it steps, applies, remembers answers by ticket. What it writes goes through bytes, so that
replaying it is what a broker would do after a crash.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from kbroker.groups.consumer.metadata import NO_TOPICS, Metadata, TopicPicture
from kbroker.groups.events import (
    CommitOffsets,
    ConsumerHeartbeat,
    FetchOffsets,
    Heartbeat,
    Join,
    Leave,
    Sync,
    TopicsSeen,
    Wanted,
)
from kbroker.groups.machine import GroupsMachine
from kbroker.groups.settings import Settings
from kbroker.machine import Batch, Effects, Loaded, Marker, Origin, Record, Reply, Ticket, Timer
from wire.durable.codec import GROUPS, decode_key, decode_value, encode_key, encode_value
from wire.errors import KafkaError
from wire.messages.consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
    RequestTopicPartitions,
)
from wire.messages.heartbeat import HeartbeatRequest
from wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from wire.messages.leave_group import LeaveGroupRequest, MemberIdentity
from wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from wire.messages.sync_group import SyncGroupRequest, SyncGroupRequestAssignment
from wire.primitives import ZERO_UUID

START = 1_000_000


def subscription(*topics: str) -> bytes:
    """A ConsumerProtocolSubscription of version 0 behind its version."""
    names = b"".join([len(topic).to_bytes(2, "big") + topic.encode() for topic in topics])
    return b"\0\0" + len(topics).to_bytes(4, "big") + names + b"\xff\xff\xff\xff"


@dataclass
class Written:
    """A record in the log: key and value bytes, and where it came from."""

    key: bytes
    value: bytes | None
    origin: Origin


@dataclass
class Bench:
    settings: Settings = field(default_factory=Settings)
    now: int = START
    seed: int = 7
    log: list[Written | tuple[Marker, Origin]] = field(default_factory=list)
    answers: dict[Ticket, Any] = field(default_factory=dict)
    open: set[Ticket] = field(default_factory=set)
    timers: dict[Any, Timer] = field(default_factory=dict)
    offset: int = 0
    tickets: int = 0
    made: int = 0
    metadata: Metadata = NO_TOPICS
    watch: Callable[[str, Effects], None] | None = None

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.machine = GroupsMachine(self.settings)
        self.step(Loaded(self.now))

    # --- stepping ---------------------------------------------------------------------------------------------------

    def step(self, event: object, label: str = "") -> Effects:
        try:
            effects = self.machine.step(event, self.now, self.rng)
        except KafkaError as error:
            effects = Effects(replies=[Reply(event.ticket, error)])  # type: ignore[attr-defined]
        for batch in effects.batches:
            assert isinstance(batch, Batch)
            for record in batch.records:
                self._append(record, Origin(self.offset, self.now, batch.producer))
        for reply in effects.replies:
            assert reply.ticket in self.open, f"{reply.ticket} is answered twice, or nobody asked"
            self.open.remove(reply.ticket)
            self.answers[reply.ticket] = reply.response
        for timer in effects.timers:
            if timer.at is None:
                self.timers.pop(timer.key, None)
            else:
                self.timers[timer.key] = timer
        if self.watch is not None:
            self.watch(label, effects)
        return effects

    def _append(self, record: Record, origin: Origin) -> None:
        value = None if record.value is None else encode_value(record.value, record.version)
        self.log.append(Written(encode_key(record.key), value, origin))
        self.machine.apply(record, origin)
        self.offset += 1

    def write(self, record: Record, producer: Any = None) -> None:
        """A record that came with a transaction, say."""
        self._append(record, Origin(self.offset, self.now, producer))

    def mark(self, marker: Marker) -> None:
        origin = Origin(self.offset, self.now, marker.producer)
        self.log.append((marker, origin))
        self.machine.apply_marker(marker, origin)
        self.offset += 1

    def ask(self, make_event: Callable[[Ticket], object], label: str = "") -> Ticket:
        self.tickets += 1
        ticket = Ticket(self.tickets)
        self.open.add(ticket)
        self.step(make_event(ticket), label)
        return ticket

    def answer(self, make_event: Callable[[Ticket], object]) -> Any:
        """For what must be answered at once."""
        ticket = self.ask(make_event)
        assert ticket in self.answers, "no answer yet"
        return self.answers[ticket]

    def advance(self, milliseconds: int) -> None:
        """Let time pass, from timer to timer."""
        end = self.now + milliseconds
        while self.timers:
            timer = min(self.timers.values(), key=lambda timer: (timer.at or 0, str(timer.key)))
            assert timer.at is not None
            if timer.at > end:
                break
            self.now = max(self.now, timer.at)
            del self.timers[timer.key]
            self.step(timer.event, str(timer.event))
        self.now = end

    def see(self, metadata: Metadata) -> None:
        """This is what the topics look like now."""
        self.metadata = metadata
        if self.machine.metadata is not metadata:
            self.step(TopicsSeen(metadata), "topics")

    def topic(self, name: str, partitions: int | None) -> None:
        """A topic comes, grows, or (None) goes. One that comes again has another id."""
        known = self.metadata.by_name.get(name)
        if partitions is None:
            self.see(self.metadata.changed(name, None))
            return
        self.made += known is None
        topic_id = b"%-14.14b%02d" % (name.encode(), self.made) if known is None else known.id
        self.see(self.metadata.changed(name, TopicPicture(topic_id, name, partitions)))

    # --- crashing ---------------------------------------------------------------------------------------------------

    def replayed(self) -> GroupsMachine:
        """A new machine with what the log says."""
        machine = GroupsMachine(self.settings)
        for entry in self.log:
            if isinstance(entry, Written):
                key = decode_key(entry.key, GROUPS)
                assert key is not None
                value = None if entry.value is None else decode_value(key, entry.value)
                machine.apply(Record(key, value), entry.origin)
            else:
                machine.apply_marker(*entry)
        return machine

    def crash(self) -> set[Ticket]:
        """The machine is lost and made anew. Whoever was waiting has been answered by the runtime."""
        lost, self.open = self.open, set()
        self.timers.clear()
        self.machine = self.replayed()
        self.step(Loaded(self.now), "loaded")
        self.see(self.metadata)
        return lost

    # --- requests ---------------------------------------------------------------------------------------------------

    def join(
        self,
        client: str,
        member: str = "",
        *,
        group: str = "g",
        instance: str | None = None,
        protocols: list[tuple[str, bytes]] | None = None,
        protocol_type: str = "consumer",
        session_ms: int = 10_000,
        rebalance_ms: int = 30_000,
        known_id: bool = False,
        skipping: bool = True,
    ) -> Ticket:
        request = JoinGroupRequest(
            group_id=group,
            session_timeout_ms=session_ms,
            rebalance_timeout_ms=rebalance_ms,
            member_id=member,
            group_instance_id=instance,
            protocol_type=protocol_type,
            protocols=[
                JoinGroupRequestProtocol(name=name, metadata=metadata)
                for name, metadata in (protocols if protocols is not None else [("range", subscription("t"))])
            ],
        )
        return self.ask(lambda ticket: Join(ticket, request, client, "/127.0.0.1", known_id, skipping))

    def sync(
        self,
        member: str,
        generation: int,
        assignments: dict[str, bytes] | None = None,
        *,
        group: str = "g",
        instance: str | None = None,
        protocol_type: str | None = None,
        protocol: str | None = None,
    ) -> Ticket:
        request = SyncGroupRequest(
            group_id=group,
            generation_id=generation,
            member_id=member,
            group_instance_id=instance,
            protocol_type=protocol_type,
            protocol_name=protocol,
            assignments=[
                SyncGroupRequestAssignment(member_id=each, assignment=blob)
                for each, blob in (assignments or {}).items()
            ],
        )
        return self.ask(lambda ticket: Sync(ticket, request))

    def heartbeat(self, member: str, generation: int, *, group: str = "g", instance: str | None = None) -> int:
        request = HeartbeatRequest(
            group_id=group, generation_id=generation, member_id=member, group_instance_id=instance
        )
        code: int = self.answer(lambda ticket: Heartbeat(ticket, request)).error_code
        return code

    def leave(self, *members: str | MemberIdentity, group: str = "g") -> list[int]:
        leaving = [
            member if isinstance(member, MemberIdentity) else MemberIdentity(member_id=member) for member in members
        ]
        request = LeaveGroupRequest(group_id=group, member_id="", members=leaving)
        return [each.error_code for each in self.answer(lambda ticket: Leave(ticket, request)).members]

    def commit(
        self,
        offsets: dict[tuple[str, int], int],
        *,
        group: str = "g",
        generation: int = -1,
        member: str = "",
        instance: str | None = None,
        metadata: str | None = "",
        retention_ms: int = -1,
        topic_id: bytes = ZERO_UUID,
        leader_epoch: int = -1,
    ) -> list[int]:
        """The error codes, in the order of the offsets."""
        request = OffsetCommitRequest(
            group_id=group,
            generation_id_or_member_epoch=generation,
            member_id=member,
            group_instance_id=instance,
            retention_time_ms=retention_ms,
            topics=[
                OffsetCommitRequestTopic(
                    name=topic,
                    topic_id=topic_id,
                    partitions=[
                        OffsetCommitRequestPartition(
                            partition_index=index,
                            committed_offset=offset,
                            committed_leader_epoch=leader_epoch,
                            committed_metadata=metadata,
                        )
                    ],
                )
                for (topic, index), offset in offsets.items()
            ],
        )
        response = self.answer(lambda ticket: CommitOffsets(ticket, request))
        return [partition.error_code for topic in response.topics for partition in topic.partitions]

    def fetch(
        self,
        topics: dict[str, list[int]] | None = None,
        *,
        group: str = "g",
        stable: bool = False,
        topic_id: bytes = ZERO_UUID,
    ) -> dict[tuple[str, int], tuple[int, int]]:
        """Offset and error code of each partition."""
        wanted = None if topics is None else [Wanted(name, indexes, topic_id) for name, indexes in topics.items()]
        response = self.answer(lambda ticket: FetchOffsets(ticket, group, wanted, stable))
        return {
            (topic.name, partition.partition_index): (partition.committed_offset, partition.error_code)
            for topic in response.topics
            for partition in topic.partitions
        }

    def beat(
        self,
        member: str,
        epoch: int,
        *,
        group: str = "g",
        topics: list[str] | None = None,
        regex: str | None = None,
        owned: dict[bytes, frozenset[int]] | None = None,
        instance: str | None = None,
        rack: str | None = None,
        rebalance_ms: int = -1,
        assignor: str | None = None,
    ) -> ConsumerGroupHeartbeatResponse | KafkaError:
        """A heartbeat of the new protocol. Whoever joins says all that must be said."""
        if epoch == 0:
            owned = owned or {}
            rebalance_ms = 30_000 if rebalance_ms < 0 else rebalance_ms
        request = ConsumerGroupHeartbeatRequest(
            group_id=group,
            member_id=member,
            member_epoch=epoch,
            instance_id=instance,
            rack_id=rack,
            rebalance_timeout_ms=rebalance_ms,
            subscribed_topic_names=topics,
            subscribed_topic_regex=regex,
            server_assignor=assignor,
            topic_partitions=None
            if owned is None
            else [
                RequestTopicPartitions(topic_id=topic_id, partitions=sorted(indexes))
                for topic_id, indexes in owned.items()
            ],
        )
        answer = self.answer(lambda ticket: ConsumerHeartbeat(ticket, request, "client", "/127.0.0.1"))
        assert isinstance(answer, ConsumerGroupHeartbeatResponse | KafkaError)
        return answer

    # --- common beginnings ------------------------------------------------------------------------------------------

    def member(self, ticket: Ticket) -> str:
        member: str = self.answers[ticket].member_id
        return member

    def stable(self, *clients: str, group: str = "g", **options: Any) -> list[str]:
        """A stable group of these clients, the first of whom leads. Its generation is that of the answers."""
        tickets = [self.join(client, group=group, **options) for client in clients]
        first = self.member(tickets[0])
        if len(clients) > 1:
            generation = self.answers[tickets[0]].generation_id
            assert self.heartbeat(first, generation, group=group) == 27
            again = self.join(clients[0], first, group=group, **options)
            tickets[0] = again
        members = [self.member(ticket) for ticket in tickets]
        generation = self.answers[tickets[0]].generation_id
        self.sync(members[0], generation, {each: each.encode() for each in members}, group=group)
        for each in members[1:]:
            self.sync(each, generation, group=group)
        return members
