"""Topics: made, grown, emptied, deleted. Each call gives what was said of each topic; a refusal is a KafkaError."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from kbroker.client.cluster import Client
from kbroker.client.errors import check
from kbroker.client.offsets import Place, by_leader, grouped
from wire.errors import KafkaError
from wire.messages.create_partitions import (
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreatePartitionsTopic,
)
from wire.messages.create_topics import (
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from wire.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopic,
)
from wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicsResponse, DeleteTopicState
from wire.messages.describe_log_dirs import DescribableLogDirTopic, DescribeLogDirsRequest, DescribeLogDirsResponse
from wire.primitives import ZERO_UUID

BY_NAME = 5
"""The newest DeleteTopics that takes plain names."""

Results = dict[str, KafkaError | None]


def create_topics(
    client: Client,
    names: Collection[str],
    partitions: int = -1,
    replication_factor: int = -1,
    configs: Mapping[str, str] | None = None,
    *,
    validate_only: bool = False,
) -> Results:
    """-1 takes what the cluster has as its default."""
    request = CreateTopicsRequest(
        topics=[
            CreatableTopic(
                name=name,
                num_partitions=partitions,
                replication_factor=replication_factor,
                assignments=[],
                configs=[CreatableTopicConfig(name=config, value=value) for config, value in (configs or {}).items()],
            )
            for name in names
        ],
        timeout_ms=_timeout_ms(client),
        validate_only=validate_only,
    )
    answer = client.controller().call(request, CreateTopicsResponse)
    return {one.name: _error(one.error_code, one.error_message) for one in answer.topics}


def delete_topics(client: Client, names: Collection[str]) -> Results:
    request = DeleteTopicsRequest(topics=[], topic_names=list(names), timeout_ms=_timeout_ms(client))
    if client.controller().version_of(request.__api_key__) > BY_NAME:
        request.topics = [DeleteTopicState(name=name, topic_id=ZERO_UUID) for name in names]
        request.topic_names = []
    answer = client.controller().call(request, DeleteTopicsResponse)
    return {one.name or "": _error(one.error_code, one.error_message) for one in answer.responses}


def grow_topic(client: Client, name: str, partitions: int, *, validate_only: bool = False) -> None:
    """More partitions than before; KafkaError where that cannot be."""
    request = CreatePartitionsRequest(
        topics=[CreatePartitionsTopic(name=name, count=partitions, assignments=None)],
        timeout_ms=_timeout_ms(client),
        validate_only=validate_only,
    )
    result = client.controller().call(request, CreatePartitionsResponse).results[0]
    check(result.error_code, result.error_message)


def delete_records(client: Client, until: Mapping[Place, int]) -> dict[Place, int]:
    """Delete what stands before these offsets; gives the first offset of each partition afterwards."""
    low: dict[Place, int] = {}
    for node, places in by_leader(client, until).items():
        topics = [
            DeleteRecordsTopic(
                name=name,
                partitions=[DeleteRecordsPartition(partition_index=at, offset=until[name, at]) for at in indexes],
            )
            for name, indexes in grouped(places).items()
        ]
        request = DeleteRecordsRequest(topics=topics, timeout_ms=_timeout_ms(client))
        for topic in client.node(node).call(request, DeleteRecordsResponse).topics:
            for partition in topic.partitions:
                check(partition.error_code, f"{topic.name}-{partition.partition_index} was not emptied.")
                low[topic.name, partition.partition_index] = partition.low_watermark
    return low


def sizes(client: Client, places: Iterable[Place]) -> dict[Place, int]:
    """Bytes of each partition's log on its leader; without those that the cluster does not tell."""
    found: dict[Place, int] = {}
    for node, held in by_leader(client, places).items():
        topics = [DescribableLogDirTopic(topic=name, partitions=indexes) for name, indexes in grouped(held).items()]
        answer = client.node(node).call(DescribeLogDirsRequest(topics=topics), DescribeLogDirsResponse)
        for directory in answer.results:
            for topic in directory.topics:
                for partition in topic.partitions:
                    found[topic.name, partition.partition_index] = partition.partition_size
    return found


def _timeout_ms(client: Client) -> int:
    return int(client.settings.timeout * 1000)


def _error(code: int, message: str | None) -> KafkaError | None:
    try:
        check(code, message)
    except KafkaError as error:
        return error
    return None
