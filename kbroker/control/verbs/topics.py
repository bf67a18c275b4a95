"""Topics: made, looked at, changed and deleted as an administration client would, at once and everywhere."""

from __future__ import annotations

from kbroker.catalog.state import NO_LEADER, TOPIC
from kbroker.control.control import Control, accept
from kbroker.control.shapes import Topic
from kbroker.control.table import ControlError, verb
from kbroker.control.views import topic_of
from wire.messages.create_partitions import CreatePartitionsRequest, CreatePartitionsTopic
from wire.messages.create_topics import CreatableTopic, CreatableTopicConfig, CreateTopicsRequest
from wire.messages.delete_records import DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic
from wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicState
from wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from wire.primitives import ZERO_UUID

SET, DELETE = 0, 1


@verb
async def create(
    control: Control,
    name: str,
    partitions: int = 1,
    replication_factor: int = -1,
    configs: dict[str, str] | None = None,
) -> Topic:
    """Make a topic. -1 stands for the broker's default; configs are those of Kafka's topics."""
    set_ = [CreatableTopicConfig(name=each, value=value) for each, value in (configs or {}).items()]
    wanted = CreatableTopic(
        name=name, num_partitions=partitions, replication_factor=replication_factor, assignments=[], configs=set_
    )
    (result,) = (await control.ask(CreateTopicsRequest(topics=[wanted]))).topics
    accept(result.error_code, result.error_message)
    return await get(control, name)


@verb
async def list_(control: Control, internal: bool = False) -> list[Topic]:
    """All topics by name, with every partition's offsets; the internal ones only if asked for."""
    topics = [each for each in control.cluster.catalog.topics() if internal or not each.internal]
    return [await get(control, topic.name) for topic in topics]


@verb
async def get(control: Control, name: str) -> Topic:
    """One topic: id, configs that were set, leaders, epochs, replicas, offsets and sizes of its partitions."""
    await control.partitions(name)
    topic = control.cluster.catalog.topic(name)
    if topic is None:
        raise ControlError("missing", f"there is no topic {name}")
    return topic_of(control.cluster, topic)


@verb
async def delete(control: Control, name: str) -> None:
    """Delete a topic and what it holds."""
    request = DeleteTopicsRequest(topics=[_by_name(name)], topic_names=[], timeout_ms=30_000)
    (result,) = (await control.ask(request)).responses
    accept(result.error_code, result.error_message)


def _by_name(name: str) -> DeleteTopicState:
    return DeleteTopicState(name=name, topic_id=ZERO_UUID)


@verb
async def grow(control: Control, name: str, partitions: int) -> Topic:
    """Give a topic more partitions: `partitions` in all."""
    wanted = CreatePartitionsTopic(name=name, count=partitions, assignments=None)
    request = CreatePartitionsRequest(topics=[wanted], timeout_ms=30_000, validate_only=False)
    (result,) = (await control.ask(request)).results
    accept(result.error_code, result.error_message)
    return await get(control, name)


@verb
async def configure(control: Control, name: str, configs: dict[str, str | None]) -> Topic:
    """Set configs of a topic; null takes one back."""
    changes = [
        AlterableConfig(name=each, config_operation=DELETE if value is None else SET, value=value)
        for each, value in configs.items()
    ]
    resource = AlterConfigsResource(resource_type=TOPIC, resource_name=name, configs=changes)
    request = IncrementalAlterConfigsRequest(resources=[resource], validate_only=False)
    (result,) = (await control.ask(request)).responses
    accept(result.error_code, result.error_message)
    return await get(control, name)


@verb
async def truncate(control: Control, name: str, partition: int, end: int) -> Topic:
    """Lose the records of a partition from an offset on, as an unclean election does: its leader leads again, in a
    later epoch, and has only what is below; of a batch that goes across nothing is left, as in Kafka."""
    opened = await control.partition(name, partition)
    leader = control.cluster.catalog.leader(name, partition)[0]
    if not opened.log_start <= end <= opened.end or leader < 0:
        raise ControlError("argument", f"{opened.name} goes from {opened.log_start} to {opened.end}; it has to be led")
    await control.cluster.catalog.move_leader(name, partition, NO_LEADER)
    if end < opened.end:
        opened.replicas.hold(leader, end)
    await control.cluster.catalog.move_leader(name, partition, leader)
    control.watch.tell()
    return await get(control, name)


@verb
async def delete_records(control: Control, name: str, partition: int, before: int = -1) -> Topic:
    """Delete the records of a partition below an offset; -1 deletes all."""
    one = DeleteRecordsPartition(partition_index=partition, offset=before)
    topic = DeleteRecordsTopic(name=name, partitions=[one])
    leader = control.cluster.catalog.leader(name, partition)[0]
    response = await control.ask(DeleteRecordsRequest(topics=[topic], timeout_ms=30_000), max(0, leader))
    accept(response.topics[0].partitions[0].error_code)
    return await get(control, name)
