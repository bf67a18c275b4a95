"""ConsumerGroupHeartbeat, in every version: what a request must have, and what members hear through the codec."""

from typing import Any

import pytest

from kbroker.catalog import NewPartitions, NewTopic
from tests.kbroker.handlers.desk import versions
from tests.kbroker.handlers.group_desk import GroupDesk, among_groups
from tests.kbroker.virtual import passed
from wire.messages.consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
    RequestTopicPartitions,
)

EVERY_VERSION = pytest.mark.parametrize("version", versions("consumer_group_heartbeat"))


async def beat(
    desk: GroupDesk, member: str, epoch: int, version: int = 1, owned: dict[str, list[int]] | None = None, **fields: Any
) -> ConsumerGroupHeartbeatResponse:
    if epoch == 0:
        owned = owned if owned is not None else {}
        fields = {"rebalance_timeout_ms": 1000} | fields
        if "subscribed_topic_regex" not in fields:
            fields.setdefault("subscribed_topic_names", ["t"])
    topics = None
    if owned is not None:
        topics = [RequestTopicPartitions(topic_id=desk.topic_id(name), partitions=each) for name, each in owned.items()]
    fields = {"topic_partitions": topics} | fields
    request = ConsumerGroupHeartbeatRequest(
        group_id=fields.pop("group_id", "g"), member_id=member, member_epoch=epoch, **fields
    )
    response: ConsumerGroupHeartbeatResponse = await desk.ask(request, version)
    return response


def assigned(desk: GroupDesk, response: ConsumerGroupHeartbeatResponse) -> dict[str, list[int]] | None:
    if response.assignment is None:
        return None
    names = {desk.topic_id(name): name for name in ("t", "u")}
    return {names[topic.topic_id]: topic.partitions for topic in response.assignment.topic_partitions}


@EVERY_VERSION
def test_two_members_share_a_topic(version: int) -> None:
    async def test(desk: GroupDesk) -> None:
        first = await beat(desk, "A", 0, version)
        assert (first.error_code, first.member_id, first.member_epoch) == (0, "A", 2)
        assert (first.heartbeat_interval_ms, assigned(desk, first)) == (500, {"t": [0, 1]})
        second = await beat(desk, "B", 0, version)
        assert (second.member_epoch, assigned(desk, second)) == (3, {})
        told = await beat(desk, "A", 2, version)
        assert (told.member_epoch, assigned(desk, told)) == (2, {"t": [0]})
        done = await beat(desk, "A", 2, version, {"t": [0]})
        assert (done.member_epoch, assigned(desk, done)) == (3, None)
        assert assigned(desk, await beat(desk, "B", 3, version)) == {"t": [1]}
        left = await beat(desk, "A", -1, version)
        assert (left.error_code, left.member_epoch, left.heartbeat_interval_ms) == (0, -1, 0)
        assert assigned(desk, await beat(desk, "B", 3, version)) == {"t": [0, 1]}

    among_groups(test)


@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        ({"group_id": ""}, 42, "GroupId can't be empty."),
        ({"member": ""}, 42, "MemberId can't be empty."),
        ({"instance_id": ""}, 42, "InstanceId can't be empty."),
        ({"rack_id": ""}, 42, "RackId can't be empty."),
        ({"rebalance_timeout_ms": -1}, 42, "RebalanceTimeoutMs must be provided in first request."),
        ({"topic_partitions": None}, 42, "TopicPartitions must be empty when (re-)joining."),
        ({"owned": {"t": [0]}}, 42, "TopicPartitions must be empty when (re-)joining."),
        (
            {"subscribed_topic_names": None}, 42,
            "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.",
        ),
        ({"epoch": -2}, 42, "InstanceId can't be null."),
        ({"epoch": -3}, 42, "MemberEpoch is invalid."),
        ({"server_assignor": "foo"}, 112, "ServerAssignor foo is not supported. Supported assignors: uniform, range."),
        (
            {"subscribed_topic_regex": "(a"}, 128,
            "SubscribedTopicRegex `(a` is not a valid regular expression: missing closing ).",
        ),
        ({"epoch": 5}, 69, "Consumer group g not found."),
        ({"epoch": -1}, 69, "Group g not found."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_as_apache_kafka_says_it(fields: dict[str, Any], code: int, message: str) -> None:
    async def test(desk: GroupDesk) -> None:
        asked = dict(fields)
        response = await beat(desk, asked.pop("member", "A"), asked.pop("epoch", 0), **asked)
        assert (response.error_code, response.error_message) == (code, message)
        assert (response.member_id, response.member_epoch, response.heartbeat_interval_ms) == (None, 0, 0)
        assert response.assignment is None

    among_groups(test)


def test_at_first_the_broker_made_the_member_id() -> None:
    async def test(desk: GroupDesk) -> None:
        response = await beat(desk, "", 0, 0)
        assert response.member_id
        assert len(response.member_id) == 22
        assert (await beat(desk, response.member_id, 2, 0)).error_code == 0
        assert (await beat(desk, "", 2, 0)).error_message == "MemberId can't be empty."

    among_groups(test)


def test_topics_that_come_or_grow_reach_members_with_their_next_heartbeat() -> None:
    async def test(desk: GroupDesk) -> None:
        first = await beat(desk, "A", 0, subscribed_topic_regex="[tv].?")
        assert assigned(desk, first) == {"t": [0, 1]}
        await desk.cluster.catalog.create_partitions([NewPartitions("t", 3)])
        grown = await beat(desk, "A", 2)
        assert (grown.member_epoch, assigned(desk, grown)) == (3, {"t": [0, 1, 2]})
        await desk.cluster.catalog.create_topics([NewTopic("v", 1)])
        more = await beat(desk, "A", 3)
        assert more.assignment is not None
        assert {topic.topic_id for topic in more.assignment.topic_partitions} == {
            desk.topic_id("t"),
            desk.topic_id("v"),
        }
        await desk.cluster.catalog.delete_topics([desk.topic_id("t")])
        assert (await beat(desk, "A", 4)).member_epoch == 4, "first it gives up what has gone"
        assert (await beat(desk, "A", 4, owned={"v": [0]})).member_epoch == 5

    among_groups(test)


def test_a_restart_is_not_noticed() -> None:
    async def test(desk: GroupDesk) -> None:
        await beat(desk, "A", 0)
        await beat(desk, "B", 0)
        await beat(desk, "A", 2)
        desk.restart_groups()
        assert (await beat(desk, "A", 2, owned={"t": [0]})).member_epoch == 3
        desk.restart_groups()
        assert assigned(desk, await beat(desk, "B", 3)) == {"t": [1]}

    among_groups(test)


def test_who_is_silent_is_removed_when_its_session_ends() -> None:
    async def test(desk: GroupDesk) -> None:
        await beat(desk, "A", 0)
        await passed(0.19)
        assert (await beat(desk, "A", 2)).error_code == 0
        await passed(0.2)
        assert (await beat(desk, "A", 2)).error_code == 25

    among_groups(test, config={"group.consumer.session.timeout.ms": "200"})


def test_a_group_may_have_timing_of_its_own() -> None:
    async def test(desk: GroupDesk) -> None:
        set_it = desk.cluster.catalog
        desk.cluster.catalog = Overridden(set_it)  # type: ignore[assignment]
        response = await beat(desk, "A", 0)
        assert response.heartbeat_interval_ms == 250
        await passed(0.3)
        assert (await beat(desk, "A", 2)).error_code == 25

    among_groups(test)


class Overridden:
    def __init__(self, catalog: Any) -> None:
        self._catalog = catalog

    def __getattr__(self, name: str) -> Any:
        return getattr(self._catalog, name)

    def overrides(self, kind: int, name: str) -> dict[str, str]:
        return {"consumer.heartbeat.interval.ms": "250", "consumer.session.timeout.ms": "300"}


def test_without_the_consumer_protocol_it_is_unsupported() -> None:
    async def test(desk: GroupDesk) -> None:
        assert (await beat(desk, "A", 0)).error_code == 35

    among_groups(test, config={"group.coordinator.rebalance.protocols": "classic"})


def test_who_may_not_read_the_group_or_see_the_topic_is_told() -> None:
    async def test(desk: GroupDesk) -> None:
        desk.denied = {("DESCRIBE", "TOPIC", "t")}
        assert (await beat(desk, "A", 0)).error_code == 29
        desk.denied = {("READ", "GROUP", "g")}
        assert (await beat(desk, "A", 0)).error_code == 30

    among_groups(test)


def test_offsets_are_committed_in_the_members_epoch() -> None:
    """Each line is an answer of Apache Kafka 4.4.0."""

    async def test(desk: GroupDesk) -> None:
        await beat(desk, "A", 0)
        await beat(desk, "B", 0)
        await beat(desk, "A", 2)
        await beat(desk, "A", 2, owned={"t": [0]})
        await beat(desk, "B", 3)

        async def commit(member: str, epoch: int, index: int = 0, version: int = 9, topic: str = "t") -> int:
            codes = await desk.commit(
                {(topic, index): 5}, version, generation_id_or_member_epoch=epoch, member_id=member
            )
            return next(iter(codes.values()))

        assert await commit("A", 3) == 0
        assert await commit("A", 2) == 0, "it has had the partition since epoch 2 (KIP-1251)"
        assert await commit("A", 1) == 113
        assert await commit("A", 4) == 113
        assert await commit("A", 2, 1) == 113
        assert await commit("B", 3, 1) == 0
        assert await commit("B", 2, 1) == 113
        assert await commit("A", -1) == 113
        assert await commit("Z", 3) == 25
        assert await commit("", -1) == 25
        assert await commit("A", 3, version=8) == 35
        assert await commit("", -1, version=8) == 25
        assert await commit("A", 3, version=10) == 0
        assert await commit("A", 3, topic="u") == 0
        assert await commit("A", 2, topic="u") == 113

    among_groups(test)
