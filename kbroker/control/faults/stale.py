"""Metadata that lags: what was true when the fault was installed, whatever has become of it since.

So answers a broker that has not heard yet of a topic's end, its new id, its new leader, or of a broker that went away.
What was made since then it does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from kbroker.catalog.state import INTERNAL_TOPICS
from kbroker.control.faults.plan import METADATA, asks_for_all
from wire.errors import ErrorCode
from wire.primitives import ZERO_UUID

if TYPE_CHECKING:
    from kbroker.catalog import Catalog, Node
    from kbroker.server.dispatch import Call


class OldPartition(NamedTuple):
    leader: int
    epoch: int
    replicas: list[int]
    isr: list[int]


class OldTopic(NamedTuple):
    name: str
    id: bytes
    partitions: list[OldPartition]


class Picture(NamedTuple):
    """What there was: topics, and the brokers that were live."""

    topics: list[OldTopic]
    nodes: list[Node]


def picture_of(catalog: Catalog) -> Picture:
    """What there is now. The catalog's own values change in place, so these are copies."""
    topics = [
        OldTopic(
            topic.name,
            topic.id,
            [
                OldPartition(*catalog.leader(topic, index), list(state.replicas), list(state.isr))
                for index, state in enumerate(topic.partitions)
            ],
        )
        for topic in catalog.topics()
    ]
    return Picture(topics, list(catalog.nodes.values()))


def age(picture: Picture, response: Any, call: Call, is_for: Callable[[str], bool]) -> None:
    """Let a response of Metadata or DescribeTopicPartitions say what the picture has, of the topics that are meant."""
    tell = _Teller(response.__api_key__, picture)
    if asks_for_all(call.request, call):
        told = [topic for topic in response.topics if not is_for(topic.name or "")]
        told += [tell.of(old) for old in picture.topics if is_for(old.name)]
    else:
        told = list(_each(picture, response, call.request, is_for, tell))
    response.topics = told
    if response.__api_key__ == METADATA:
        from wire.messages.metadata import MetadataResponseBroker

        places = [(node, call.endpoint_of(node)) for node in picture.nodes]
        response.brokers = [
            MetadataResponseBroker(node_id=node.id, host=place[0], port=place[1], rack=node.rack)
            for node, place in places
            if place is not None
        ]


def _each(picture: Picture, response: Any, request: Any, is_for: Callable[[str], bool], tell: _Teller) -> Iterator[Any]:
    """Those that were asked for, by name or by id."""
    by_id = {old.id: old for old in picture.topics}
    by_name = {old.name: old for old in picture.topics}
    asks_by_id = any(getattr(each, "topic_id", ZERO_UUID) != ZERO_UUID for each in request.topics)
    for topic in response.topics:
        old = by_id.get(topic.topic_id) if asks_by_id else by_name.get(topic.name or "")
        name = topic.name or ("" if old is None else old.name)
        if not is_for(name):
            yield topic
        elif old is not None:
            yield tell.of(old)
        elif asks_by_id:
            yield tell.unknown(ErrorCode.UNKNOWN_TOPIC_ID, None, topic.topic_id)
        else:
            yield tell.unknown(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name, ZERO_UUID)


class _Teller:
    """The words in which an API tells of topics."""

    def __init__(self, api_key: int, picture: Picture) -> None:
        self._topic: Any
        self._partition: Any
        self._live = {node.id for node in picture.nodes}
        if api_key == METADATA:
            from wire.messages import metadata

            self._topic, self._partition = metadata.MetadataResponseTopic, metadata.MetadataResponsePartition
        else:
            from wire.messages import describe_topic_partitions as described

            self._topic = described.DescribeTopicPartitionsResponseTopic
            self._partition = described.DescribeTopicPartitionsResponsePartition

    def of(self, old: OldTopic) -> Any:
        partitions = [
            self._partition(
                error_code=ErrorCode.NONE if each.leader >= 0 else ErrorCode.LEADER_NOT_AVAILABLE,
                partition_index=index,
                leader_id=each.leader,
                leader_epoch=each.epoch,
                replica_nodes=each.replicas,
                isr_nodes=each.isr,
                offline_replicas=[node_id for node_id in each.replicas if node_id not in self._live],
            )
            for index, each in enumerate(old.partitions)
        ]
        internal = old.name in INTERNAL_TOPICS
        return self._topic(error_code=0, name=old.name, topic_id=old.id, is_internal=internal, partitions=partitions)

    def unknown(self, code: ErrorCode, name: str | None, topic_id: bytes) -> Any:
        return self._topic(error_code=code, name=name, topic_id=topic_id, partitions=[])
