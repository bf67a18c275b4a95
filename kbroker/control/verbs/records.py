"""Records behind the wire: produce without a producer, read without a consumer, wait until they are there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from kbroker.control.control import Control, accept
from kbroker.control.shapes import Header, Place, Record
from kbroker.control.table import ControlError, verb
from kbroker.control.views import opened
from kbroker.partitioner import by_murmur2
from kbroker.partitions.partition import Partition
from wire.batch import Batch, batches
from wire.errors import KafkaError
from wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from wire.records import Record as WireRecord
from wire.records import build_batch, iterate

READ_BYTES = 1 << 20
ACKS_ALL = -1
TIMEOUT_MS = 30_000


@verb
async def produce(control: Control, topic: str, records: list[Record]) -> list[Place]:
    """Write records, in one batch for each partition, and answer where each of them lies. A topic that does not exist
    is made, if auto.create.topics.enable says so. Each record may name its partition; else its key decides as in the
    Java client, and without a key it is partition 0."""
    cluster = control.cluster
    found = cluster.catalog.topic(topic)
    if found is None:
        if not cluster.config["auto.create.topics.enable"]:
            raise ControlError("missing", f"there is no topic {topic}")
        try:
            found = await cluster.catalog.auto_create(topic)
        except KafkaError as error:
            raise ControlError("refused", f"{error.code.name}: {error.message}") from None
    by_partition: dict[int, list[int]] = {}
    for at, record in enumerate(records):
        index = max(record.partition, 0)
        if record.partition < 0 and record.key is not None:
            index = by_murmur2(record.key, len(found.partitions))
        by_partition.setdefault(index, []).append(at)
    places: dict[int, Place] = {}
    for index, ats in by_partition.items():
        base = await _write(control, topic, index, [records[at] for at in ats])
        places.update({at: Place(topic, index, base + delta) for delta, at in enumerate(ats)})
    return [places[at] for at in range(len(records))]


async def _write(control: Control, topic: str, index: int, records: list[Record]) -> int:
    now = control.cluster.world.time_ms()
    plain = [
        WireRecord(
            timestamp=now if record.timestamp < 0 else record.timestamp,
            key=record.key,
            value=record.value,
            headers=[(header.name, header.value) for header in record.headers],
        )
        for record in records
    ]
    return await write(control, topic, index, plain)


async def write(control: Control, topic: str, index: int, records: list[WireRecord]) -> int:
    """One batch, acks=all; its base offset."""
    partition = await control.partition(topic, index)
    found = control.cluster.catalog.topic(topic)
    assert found is not None
    data = PartitionProduceData(index=index, records=memoryview(build_batch(records)))
    request = ProduceRequest(
        acks=ACKS_ALL,
        timeout_ms=TIMEOUT_MS,
        topic_data=[TopicProduceData(name="", topic_id=found.id, partition_data=[data])],
    )
    response = await control.ask(request, partition.replicas.leader)
    (answer,) = response.responses[0].partition_responses
    accept(answer.error_code, answer.error_message)
    base: int = answer.base_offset
    return base


@verb
async def read(
    control: Control,
    topic: str,
    partition: int | None = None,
    offset: int = 0,
    limit: int = 10_000,
    read_committed: bool = True,
) -> list[Record]:
    """The records of a topic, or of one partition, from an offset on, in the order of partitions and offsets. Of
    transactions that are open or were aborted nothing is shown, unless `read_committed` is false."""
    found: list[Record] = []
    for each in await control.partitions(topic) if partition is None else [await control.partition(topic, partition)]:
        async for record in _records(each, topic, offset, read_committed):
            found.append(record)
            if len(found) >= limit:
                return found
    return found


@verb
async def wait(
    control: Control,
    topic: str,
    count: int = 1,
    partition: int | None = None,
    offset: int = 0,
    read_committed: bool = True,
    timeout: float = 10.0,
) -> list[Record]:
    """Wait until a topic, or one of its partitions, has at least so many records from that offset on, and answer with
    all that there are. The topic need not exist yet."""
    seen: list[Record] = []

    def watched() -> list[Partition]:
        found = control.cluster.catalog.topic(topic)
        indexes = () if found is None else range(len(found.partitions)) if partition is None else (partition,)
        return [each for index in indexes if (each := opened(control.cluster, topic, index)) is not None]

    def words() -> str:
        if control.cluster.catalog.topic(topic) is None:
            return f"there is no topic {topic}"
        where = topic if partition is None else f"{topic}-{partition}"
        last = f", the last of them {_words(seen[-1])}" if seen else ""
        return f"{where} has {len(seen)} of {count} records{last}"

    async def look() -> list[Record] | None:
        nonlocal seen
        if control.cluster.catalog.topic(topic) is None:
            return None
        seen = await read(control, topic, partition, offset, 1 << 62, read_committed)
        return seen if len(seen) >= count else None

    return await control.watch.until(look, words, timeout, watched)


def _words(record: Record) -> str:
    value = record.value if record.value is None else record.value[:40]
    return f"{record.topic}-{record.partition}@{record.offset} {value!r}"


async def _records(partition: Partition, topic: str, offset: int, read_committed: bool) -> AsyncIterator[Record]:
    end = partition.bound(read_committed)
    offset = max(offset, partition.log_start)
    index = int(partition.name.rpartition("-")[2])
    while offset < end:
        chunk = await partition.read(offset, READ_BYTES, end)
        for buffer in chunk.buffers:
            for batch in batches(buffer):
                if batch.is_control or (read_committed and partition.undecided.is_aborted(batch)):
                    continue
                for record in _inside(batch, topic, index):
                    if offset <= record.offset < end:
                        yield record
        if chunk.next_offset <= offset:
            return
        offset = chunk.next_offset


def _inside(batch: Batch, topic: str, index: int) -> Iterator[Record]:
    for record in iterate(batch):
        yield Record(
            value=record.value,
            key=record.key,
            headers=[Header(name, value) for name, value in record.headers],
            partition=index,
            timestamp=batch.max_timestamp if batch.log_append_time else record.timestamp,
            topic=topic,
            offset=record.offset,
            transactional=batch.is_transactional,
        )
