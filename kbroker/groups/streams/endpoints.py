"""Where tasks can be asked about their state (interactive queries): endpoints of processes, with the partitions that
each reads as active, and those of which it has a copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kbroker.groups.consumer.metadata import Metadata
from kbroker.groups.streams.change import Change
from kbroker.groups.streams.configure import ConfiguredSubtopology
from kbroker.groups.streams.tasks import Task, by_subtopology
from wire.messages.streams_group_heartbeat import EndpointToPartitions, ResponseEndpoint, TopicPartition


def partitions_by_endpoint(change: Change, last: str) -> list[EndpointToPartitions]:
    """Of every member that has an endpoint; the member who asks comes last."""
    configured = change.group.configured
    subtopologies = (configured.subtopologies if configured is not None else None) or {}
    found = []
    for member_id in [*(each for each in change.members if each != last), last]:
        endpoint = change.members[member_id].endpoint
        if endpoint is None:
            continue
        assigned = change.current(member_id).assigned
        found.append(
            EndpointToPartitions(
                user_endpoint=ResponseEndpoint(host=endpoint.host, port=endpoint.port),
                active_partitions=_partitions(assigned.active, subtopologies, change.turn.metadata),
                standby_partitions=_partitions(assigned.standby | assigned.warmup, subtopologies, change.turn.metadata),
            )
        )
    return found


def _partitions(
    tasks: Iterable[Task], subtopologies: Mapping[str, ConfiguredSubtopology], metadata: Metadata
) -> list[TopicPartition]:
    """What the tasks read. A topic with fewer partitions than others takes part in the first tasks only."""
    found = []
    for subtopology_id, indexes in by_subtopology(tasks).items():
        subtopology = subtopologies.get(subtopology_id)
        for topic in () if subtopology is None else sorted(subtopology.topology.inputs):
            there = metadata.by_name.get(topic)
            partitions = [] if there is None else [index for index in indexes if index < there.partitions]
            if partitions:
                found.append(TopicPartition(topic=topic, partitions=partitions))
    return found
