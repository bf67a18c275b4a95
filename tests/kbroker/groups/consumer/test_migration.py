"""A group changes its type: seen with Apache Kafka 4.4.0, step by step."""

from __future__ import annotations

from kbroker.groups.classic.states import State
from kbroker.groups.consumer.assignment import of_wire
from kbroker.groups.consumer.group import ConsumerGroup
from kbroker.groups.settings import Settings
from kbroker.groups.subscription import write_assignment
from tests.kbroker.groups.bench import Bench
from wire.durable.assignment import ConsumerProtocolSubscription, OwnedTopicPartition
from wire.errors import ErrorCode, KafkaError
from wire.messages.consumer_group_heartbeat import ConsumerGroupHeartbeatResponse
from wire.messages.leave_group import MemberIdentity

ALL = write_assignment([("t", [0, 1, 2, 3])], 1)


def subscription(*owned: int) -> bytes:
    """A subscription to t, as a consumer that moves little tells it."""
    topics = [OwnedTopicPartition(topic="t", partitions=list(owned))] if owned else []
    return b"\0\1" + ConsumerProtocolSubscription(topics=["t"], owned_partitions=topics).encode(1)


def bench(**options: bool) -> Bench:
    made = Bench(Settings(**options))  # type: ignore[arg-type]
    made.topic("t", 4)
    return made


def classic(bench: Bench) -> str:
    """A classic group of one, that has it all."""
    ticket = bench.join("c", protocols=[("range", subscription())])
    member = bench.member(ticket)
    bench.sync(member, 1, {member: ALL})
    return member


def rejoin(bench: Bench, member: str, *owned: int) -> int:
    answer = bench.answers[bench.join("c", member, protocols=[("range", subscription(*owned))])]
    assert (answer.error_code, answer.leader, answer.members) == (0, "", [])
    generation: int = answer.generation_id
    return generation


def assigned(bench: Bench, member: str, generation: int) -> bytes:
    answer = bench.answers[bench.sync(member, generation)]
    assert answer.error_code == 0
    blob: bytes = answer.assignment
    return blob


def mixed(bench: Bench) -> tuple[str, ConsumerGroup]:
    member = classic(bench)
    answer = bench.beat("B", 0, topics=["t"])
    assert isinstance(answer, ConsumerGroupHeartbeatResponse)
    assert answer.assignment is not None
    assert (answer.member_epoch, answer.assignment.topic_partitions) == (2, []), "all of it is taken"
    return member, bench.machine.store.consumers["g"]


def same_after_a_crash(bench: Bench) -> None:
    bench.crash()
    assert bench.machine.store.consumers.keys() == bench.replayed().store.consumers.keys()


def test_a_member_of_the_new_protocol_makes_a_classic_group_a_consumer_group() -> None:
    it = bench()
    member, group = mixed(it)
    assert "g" not in it.machine.groups
    assert (group.epoch, group.members.keys()) == (2, {member, "B"})
    same_after_a_crash(it)
    assert it.heartbeat(member, 1) == ErrorCode.REBALANCE_IN_PROGRESS
    assert rejoin(it, member, 0, 1, 2, 3) == 1
    assert assigned(it, member, 1) == write_assignment([("t", [0, 1])], 1)
    assert it.heartbeat(member, 1) == ErrorCode.REBALANCE_IN_PROGRESS
    assert rejoin(it, member, 0, 1) == 2
    assert assigned(it, member, 2) == write_assignment([("t", [0, 1])], 1)
    assert it.heartbeat(member, 2) == ErrorCode.NONE
    answer = it.beat("B", 2)
    assert isinstance(answer, ConsumerGroupHeartbeatResponse)
    assert answer.assignment is not None
    assert [sorted(each) for each in of_wire(answer.assignment.topic_partitions).values()] == [[2, 3]]
    assert it.heartbeat(member, 9) == ErrorCode.ILLEGAL_GENERATION
    assert it.heartbeat("B", 2) == ErrorCode.UNKNOWN_MEMBER_ID


def test_the_last_member_of_the_new_protocol_makes_it_classic_again() -> None:
    it = bench()
    member, _ = mixed(it)
    it.beat("B", -1)
    assert "g" not in it.machine.store.consumers
    group = it.machine.groups["g"]
    assert (group.state, group.generation, group.protocol) == (State.PREPARING_REBALANCE, 2, "range")
    assert it.heartbeat(member, 1) == ErrorCode.ILLEGAL_GENERATION
    answer = it.answers[it.join("c", member, protocols=[("range", subscription())])]
    assert (answer.generation_id, answer.leader) == (3, member)


def test_a_classic_member_that_does_not_rejoin_in_time_is_removed() -> None:
    it = bench()
    member, group = mixed(it)
    for _ in range(4):
        assert it.heartbeat(member, 1) == ErrorCode.REBALANCE_IN_PROGRESS
        it.advance(8_000)
        it.beat("B", 2)
    assert group.members.keys() == {"B"}


def test_a_classic_member_that_falls_silent_is_removed_after_its_own_session() -> None:
    it = bench()
    member, group = mixed(it)
    it.advance(9_999)
    assert member in group.members
    it.advance(1)
    assert group.members.keys() == {"B"}


def test_another_classic_member_is_led_too_and_may_leave() -> None:
    it = bench()
    member, group = mixed(it)
    asked = it.answers[it.join("d", known_id=True, protocols=[("range", subscription())])]
    assert (asked.error_code, len(asked.member_id)) == (ErrorCode.MEMBER_ID_REQUIRED, 22)
    joined = it.answers[it.join("d", asked.member_id, protocols=[("range", subscription())])]
    assert (joined.generation_id, joined.protocol_name) == (3, "range")
    assert assigned(it, joined.member_id, 3) == write_assignment([], 1)
    it.leave(MemberIdentity(member_id=joined.member_id))
    assert group.members.keys() == {member, "B"}


def test_who_brings_no_common_protocol_or_no_subscription_stays_out() -> None:
    it = bench()
    mixed(it)
    for protocols in ([("sticky", subscription())], [("range", b"?")], []):
        answer = it.answers[it.join("d", protocols=protocols)]
        assert answer.error_code == ErrorCode.INCONSISTENT_GROUP_PROTOCOL


def test_without_leave_to_migrate_each_stays_what_it_is() -> None:
    it = bench(may_upgrade=False)
    classic(it)
    answer = it.beat("B", 0, topics=["t"])
    assert isinstance(answer, KafkaError)
    assert (answer.code, answer.message) == (ErrorCode.GROUP_ID_NOT_FOUND, "Group g is not a consumer group.")
    it = bench(may_downgrade=False)
    _, group = mixed(it)
    it.beat("B", -1)
    assert len(group.members) == 1


def test_a_group_whose_members_cannot_be_understood_is_not_migrated() -> None:
    it = bench()
    ticket = it.join("c", protocols=[("range", b"?")])
    it.sync(it.member(ticket), 1, {it.member(ticket): b"?"})
    answer = it.beat("B", 0, topics=["t"])
    assert isinstance(answer, KafkaError)
    assert answer.code is ErrorCode.GROUP_ID_NOT_FOUND
    assert it.machine.groups["g"].members.keys() == {it.member(ticket)}


def test_an_empty_group_becomes_what_comes_first_and_keeps_its_offsets() -> None:
    it = bench()
    it.commit({("t", 0): 7})
    it.beat("A", 0, topics=["t"])
    assert "g" not in it.machine.groups
    assert it.fetch({"t": [0]}) == {("t", 0): (7, 0)}
    it.beat("A", -1)
    member = classic(it)
    assert "g" not in it.machine.store.consumers
    assert it.machine.groups["g"].members.keys() == {member}
    it.leave(MemberIdentity(member_id=member))
    answer = it.beat("A", 0, topics=["t"])
    assert isinstance(answer, ConsumerGroupHeartbeatResponse)
    assert answer.member_epoch == 2
    assert it.fetch({"t": [0]}) == {("t", 0): (7, 0)}
    same_after_a_crash(it)


def test_whoever_is_parked_when_the_group_changes_is_told_to_join_again() -> None:
    it = bench()
    member = classic(it)
    waiting = it.join("d", protocols=[("range", subscription())])
    assert waiting in it.open
    it.beat("B", 0, topics=["t"])
    assert it.answers[waiting].error_code == ErrorCode.REBALANCE_IN_PROGRESS
    assert not it.open
    assert member in it.machine.store.consumers["g"].members


def test_a_static_member_is_back_under_another_id_and_nothing_moves() -> None:
    it = bench()
    it.beat("A", 0, topics=["t"], instance="i")
    taken = it.beat("Z", 0, topics=["t"], instance="i")
    assert isinstance(taken, KafkaError)
    assert taken.code is ErrorCode.UNRELEASED_INSTANCE_ID
    fenced = it.beat("Z", 2, instance="i")
    assert isinstance(fenced, KafkaError)
    assert fenced.code is ErrorCode.FENCED_INSTANCE_ID
    it.beat("A", -2, instance="i")
    same_after_a_crash(it)
    back = it.beat("Z", 0, topics=["t"], instance="i")
    assert isinstance(back, ConsumerGroupHeartbeatResponse)
    assert back.assignment is not None
    assert (back.member_epoch, list(of_wire(back.assignment.topic_partitions).values())) == (2, [frozenset(range(4))])
    group = it.machine.store.consumers["g"]
    assert (group.epoch, group.members.keys()) == (2, {"Z"})


def test_a_static_member_that_does_not_come_back_loses_its_place() -> None:
    it = bench()
    it.beat("A", 0, topics=["t"], instance="i")
    it.beat("A", -2, instance="i")
    it.advance(it.settings.consumer_session_timeout_ms)
    assert not it.machine.store.consumers["g"].members
