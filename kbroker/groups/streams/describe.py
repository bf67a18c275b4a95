"""What a streams group looks like from outside: StreamsGroupDescribe and ListGroups."""

from __future__ import annotations

from collections.abc import Iterable

from kbroker.groups.streams.group import TYPE, Offsets, StreamsGroup
from kbroker.groups.streams.member import Member
from kbroker.groups.streams.reconcile import NEW
from kbroker.groups.streams.tasks import Task, Tasks, by_subtopology
from kbroker.groups.streams.topology import InternalTopic, Topology
from wire.errors import ErrorCode
from wire.messages import streams_group_describe as messages
from wire.messages.list_groups import ListedGroup

ASSIGNOR = "sticky"
NOT_STORED = 1
"""Of the description of a topology (KIP-1331)."""


def describe(group: StreamsGroup) -> messages.DescribedGroup:
    return messages.DescribedGroup(
        error_code=ErrorCode.NONE,
        group_id=group.id,
        group_state=group.state.value,
        group_epoch=group.epoch,
        assignment_epoch=group.target_epoch,
        topology=_topology(group),
        members=[_member(group, member) for member in group.members.values()],
        assignor_name=ASSIGNOR,
    )


def _member(group: StreamsGroup, member: Member) -> messages.Member:
    current = group.currents.get(member.id, NEW)
    endpoint = member.endpoint
    return messages.Member(
        member_id=member.id,
        member_epoch=current.epoch,
        instance_id=member.instance_id,
        rack_id=member.rack_id,
        client_id=member.client_id,
        client_host=member.client_host,
        topology_epoch=member.topology_epoch,
        process_id=member.process_id,
        user_endpoint=None if endpoint is None else messages.Endpoint(host=endpoint.host, port=endpoint.port),
        client_tags=[messages.KeyValue(key=key, value=value) for key, value in member.tags.items()],
        task_offsets=_offsets(group.offsets.get(member.id, {})),
        task_end_offsets=_offsets(group.end_offsets.get(member.id, {})),
        assignment=_assignment(current.assigned.without_epochs()),
        target_assignment=_assignment(group.target(member.id)),
        is_classic=False,
    )


def _offsets(offsets: Offsets) -> list[messages.TaskOffset]:
    return [
        messages.TaskOffset(subtopology_id=name, partition=index, offset=offset)
        for (name, index), offset in sorted(offsets.items())
    ]


def _assignment(tasks: Tasks) -> messages.Assignment:
    return messages.Assignment(
        active_tasks=_task_ids(tasks.active),
        standby_tasks=_task_ids(tasks.standby),
        warmup_tasks=_task_ids(tasks.warmup),
    )


def _task_ids(tasks: Iterable[Task]) -> list[messages.TaskIds]:
    return [
        messages.TaskIds(subtopology_id=name, partitions=indexes) for name, indexes in by_subtopology(tasks).items()
    ]


def _topology(group: StreamsGroup) -> messages.Topology | None:
    """With the partitions that internal topics have where all is in order; else as the application has brought it."""
    if group.topology is None:
        return None
    configured = group.configured
    if configured is not None and configured.is_ready and configured.subtopologies is not None:
        return _shown(
            group.topology,
            {name: (each.repartition_sources, each.changelogs) for name, each in configured.subtopologies.items()},
        )
    return _shown(
        group.topology,
        {each.id: (each.repartition_sources, each.changelogs) for each in group.topology.subtopologies.values()},
    )


def _shown(
    topology: Topology, internal: dict[str, tuple[tuple[InternalTopic, ...], tuple[InternalTopic, ...]]]
) -> messages.Topology:
    return messages.Topology(
        epoch=topology.epoch,
        subtopologies=[
            messages.Subtopology(
                subtopology_id=name,
                source_topics=sorted(each.sources),
                repartition_sink_topics=sorted(each.repartition_sinks),
                state_changelog_topics=_topics(internal[name][1]),
                repartition_source_topics=_topics(internal[name][0]),
            )
            for name, each in sorted(topology.subtopologies.items())
        ],
    )


def _topics(topics: Iterable[InternalTopic]) -> list[messages.TopicInfo]:
    return [
        messages.TopicInfo(
            name=topic.name,
            partitions=topic.partitions,
            replication_factor=topic.replication_factor,
            topic_configs=[messages.KeyValue(key=key, value=value) for key, value in topic.configs],
        )
        for topic in sorted(topics)
    ]


def describe_missing(group_id: str, code: ErrorCode, message: str | None) -> messages.DescribedGroup:
    return messages.DescribedGroup(
        error_code=code,
        error_message=message,
        group_id=group_id,
        group_state="",
        group_epoch=0,
        assignment_epoch=0,
        members=[],
    )


def summary(group: StreamsGroup) -> ListedGroup:
    return ListedGroup(group_id=group.id, protocol_type=TYPE, group_state=group.state.value, group_type=TYPE)
