"""StreamsGroupHeartbeat, in every version: what a request must have, and internal topics from the wish to the task."""

import asyncio
from typing import Any

import pytest

from kbroker.catalog.features import SAFE_DOWNGRADE, SUPPORTED, FeatureUpdate
from kbroker.catalog.state import GROUP
from tests.kbroker.groups.streams.applications import STATELESS, internal, subtopology, topology
from tests.kbroker.handlers.desk import versions
from tests.kbroker.handlers.group_desk import GroupDesk, among_groups
from tests.kbroker.virtual import passed
from wire.messages.streams_group_heartbeat import (
    RequestTaskIds,
    StreamsGroupHeartbeatRequest,
    StreamsGroupHeartbeatResponse,
)

EVERY_VERSION = pytest.mark.parametrize("version", versions("streams_group_heartbeat"))
READS_T = topology(subtopology("0", "t"))
COUNTS = topology(
    subtopology("0", "t", sinks=["app-words"]),
    subtopology(
        "1",
        repartition=[internal("app-words")],
        changelogs=[internal("app-counts", **{"cleanup.policy": "compact"})],
    ),
)


async def beat(
    desk: GroupDesk, member: str = "A", epoch: int = 0, version: int = 1, **fields: Any
) -> StreamsGroupHeartbeatResponse:
    if epoch == 0:
        nothing: dict[str, Any] = {"active_tasks": [], "standby_tasks": [], "warmup_tasks": []}
        fields = {"rebalance_timeout_ms": 1000, "topology": READS_T, "process_id": "p", **nothing, **fields}
    fields = {"group_id": "app", "endpoint_information_epoch": 0, **fields}
    request = StreamsGroupHeartbeatRequest(member_id=member, member_epoch=epoch, **fields)
    response: StreamsGroupHeartbeatResponse = await desk.ask(request, version)
    return response


def active(response: StreamsGroupHeartbeatResponse) -> dict[str, list[int]] | None:
    if response.active_tasks is None:
        return None
    return {each.subtopology_id: each.partitions for each in response.active_tasks}


def statuses(response: StreamsGroupHeartbeatResponse) -> dict[int, str]:
    return {status.status_code: status.status_detail for status in response.status or ()}


@EVERY_VERSION
def test_a_member_joins_stays_and_leaves(version: int) -> None:
    async def test(desk: GroupDesk) -> None:
        joined = await beat(desk, version=version)
        assert (joined.error_code, joined.member_id, joined.member_epoch, joined.status) == (0, "A", 2, [])
        assert (joined.heartbeat_interval_ms, joined.task_offset_interval_ms) == (500, 60_000)
        assert joined.acceptable_recovery_lag == (10_000 if version >= 1 else -1)
        assert (active(joined), joined.standby_tasks, joined.warmup_tasks) == ({"0": [0, 1]}, [], [])
        stayed = await beat(desk, epoch=2, version=version)
        assert (stayed.member_epoch, active(stayed), stayed.standby_tasks) == (2, None, None)
        left = await beat(desk, epoch=-1, version=version)
        assert (left.error_code, left.member_epoch, left.heartbeat_interval_ms) == (0, -1, 0)

    among_groups(test)


TASK = RequestTaskIds(subtopology_id="0", partitions=[0])


@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        ({"member": ""}, 42, "MemberId can't be empty."),
        ({"group_id": ""}, 42, "GroupId can't be empty."),
        ({"instance_id": ""}, 42, "InstanceId can't be empty."),
        ({"rack_id": ""}, 42, "RackId can't be empty."),
        ({"rebalance_timeout_ms": -1}, 42, "RebalanceTimeoutMs must be provided in first request."),
        ({"active_tasks": [TASK]}, 42, "ActiveTasks must be empty when (re-)joining."),
        ({"standby_tasks": [TASK]}, 42, "StandbyTasks must be empty when (re-)joining."),
        ({"warmup_tasks": None}, 42, "WarmupTasks must be empty when (re-)joining."),
        ({"topology": None}, 42, "Topology must be non-null when (re-)joining."),
        ({"epoch": -2}, 42, "InstanceId can't be null."),
        ({"epoch": -3}, 42, "MemberEpoch is -3, but must be greater than or equal to -2."),
        ({"epoch": 2, "active_tasks": []}, 42, "If one task-type is non-null, all must be non-null."),
        ({"epoch": 2, "topology": READS_T}, 42, "Topology can only be provided when (re-)joining."),
        (
            {"topology": topology(subtopology("0", "t", changelogs=[internal("c", 3)]))}, 130,
            "Changelog topic c must have an undefined partition count, but it is set to 3.",
        ),
        (
            {"topology": topology(subtopology("0", "__consumer_offsets"))}, 130,
            "Use of Kafka internal topics __consumer_offsets in a Kafka Streams topology is prohibited.",
        ),
        ({"topology": topology(subtopology("0", "a b"))}, 130, "Topic names a b are not valid topic names."),
        (
            {"topology": topology(subtopology("0", "t"), subtopology("0", "u"))}, 130,
            "A subtopology id is there twice.",
        ),
        ({"epoch": 5}, 69, "Streams group app not found."),
        ({"epoch": -1}, 69, "Group app not found."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_as_apache_kafka_says_it(fields: dict[str, Any], code: int, message: str) -> None:
    async def test(desk: GroupDesk) -> None:
        asked = dict(fields)
        response = await beat(desk, asked.pop("member", "A"), asked.pop("epoch", 0), **asked)
        assert (response.error_code, response.error_message) == (code, message)

    among_groups(test)


def test_source_topics_by_pattern_are_not_supported_yet() -> None:
    async def test(desk: GroupDesk) -> None:
        by_pattern = subtopology("0")
        by_pattern.source_topic_regex = ["t.*"]
        response = await beat(desk, topology=topology(by_pattern))
        assert response.error_message == "Regular expressions for source topics are not supported yet."

    among_groups(test)


def test_internal_topics_are_made_between_two_heartbeats() -> None:
    async def test(desk: GroupDesk) -> None:
        joined = await beat(desk, topology=COUNTS)
        assert statuses(joined) == {3: "Internal topics are missing: app-counts, app-words"}
        assert active(joined) == {}
        await passed(0.01)
        made = [desk.cluster.catalog.topic(name) for name in ("app-counts", "app-words")]
        assert [None if topic is None else len(topic.partitions) for topic in made] == [2, 2]
        assert made[0] is not None
        assert made[0].config["cleanup.policy"] == ("compact",)
        then = await beat(desk, epoch=2)
        assert (statuses(then), active(then)) == ({}, {"0": [0, 1], "1": [0, 1]})

    among_groups(test)


def test_an_internal_topic_that_cannot_be_made_is_told_of_and_tried_again() -> None:
    broken = topology(subtopology("0", "t", changelogs=[internal("c", **{"cleanup.policy": "never"})]))

    async def test(desk: GroupDesk) -> None:
        await beat(desk, topology=broken)
        await passed(0.01)
        asked = desk.cluster.catalog.create_topics
        tries: list[Any] = []

        def watched(topics: Any, **options: Any) -> asyncio.Future[Any]:
            tries.append(topics)
            return asked(topics, **options)

        desk.cluster.catalog.create_topics = watched  # type: ignore[method-assign]
        detail = statuses(await beat(desk, epoch=2))[3]
        assert detail.startswith("Internal topics are missing: c; Creation failed: c (Invalid value never for")
        assert tries == []
        await passed(1.1)
        await beat(desk, epoch=2)
        assert len(tries) == 1

    among_groups(test)


def test_who_may_not_make_topics_is_told_so_and_nothing_is_made() -> None:
    async def test(desk: GroupDesk) -> None:
        desk.denied = {("CREATE", "CLUSTER", "kafka-cluster"), ("CREATE", "TOPIC", "app-words")}
        joined = await beat(desk, topology=COUNTS)
        text = "Internal topics are missing: app-counts, app-words; Unauthorized to CREATE on topics app-words."
        assert statuses(joined) == {3: text}
        await passed(0.01)
        assert desk.cluster.catalog.topic("app-counts") is None

    among_groups(test)


def test_who_may_not_read_the_group_or_see_a_topic_is_told() -> None:
    async def test(desk: GroupDesk) -> None:
        desk.denied = {("DESCRIBE", "TOPIC", "t")}
        assert (await beat(desk)).error_code == 29
        desk.denied = {("READ", "GROUP", "app")}
        assert (await beat(desk)).error_code == 30

    among_groups(test)


def test_a_group_may_have_timing_and_standbys_of_its_own() -> None:
    async def test(desk: GroupDesk) -> None:
        real = desk.cluster.catalog

        class Overridden:
            def __getattr__(self, name: str) -> Any:
                return getattr(real, name)

            def overrides(self, kind: int, name: str) -> dict[str, str]:
                assert (kind, name) == (GROUP, "app")
                return {"streams.heartbeat.interval.ms": "250", "streams.session.timeout.ms": "300"}

        desk.cluster.catalog = Overridden()  # type: ignore[assignment]
        assert (await beat(desk)).heartbeat_interval_ms == 250
        await passed(0.31)
        assert (await beat(desk, epoch=2)).error_code == 25

    among_groups(test)


@pytest.mark.parametrize("how", ["config", "feature"])
def test_where_streams_groups_are_off_it_is_unsupported(how: str) -> None:
    async def test(desk: GroupDesk) -> None:
        if how == "feature":
            off = FeatureUpdate("streams.version", 0, SAFE_DOWNGRADE)
            await desk.cluster.catalog.update_features([off], SUPPORTED)
        assert (await beat(desk)).error_code == 35

    among_groups(test, config={"group.coordinator.rebalance.protocols": "classic"} if how == "config" else None)


def test_a_restart_is_not_noticed() -> None:
    async def test(desk: GroupDesk) -> None:
        await beat(desk)
        await beat(desk, "B")
        assert active(await beat(desk, epoch=2)) == {"0": [0]}
        desk.restart_groups()
        done = await beat(desk, epoch=2, active_tasks=[TASK], standby_tasks=[], warmup_tasks=[])
        assert done.member_epoch == 3
        desk.restart_groups()
        assert active(await beat(desk, "B", 3)) == {"0": [1]}

    among_groups(test)


def test_the_same_topology_comes_from_every_member() -> None:
    async def test(desk: GroupDesk) -> None:
        await beat(desk)
        assert (await beat(desk, "B", topology=STATELESS)).error_message == "Topology updates are not supported yet."

    among_groups(test)
