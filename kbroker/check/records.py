"""Stages 4 to 6: Produce, Fetch and ListOffsets, idempotence."""

from __future__ import annotations

from kbroker.check.first import create, waited
from kbroker.check.peer import Wrong, expect, same
from kbroker.check.stages import Bench
from wire.batch import batches, verify_crc
from wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from wire.messages.fetch import FetchPartition, FetchRequest, FetchResponse, FetchTopic, PartitionData, ReplicaState
from wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from wire.messages.list_offsets import ListOffsetsPartition, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopic
from wire.messages.produce import (
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
)
from wire.primitives import ZERO_UUID
from wire.records import Record, build_batch, iterate

PRODUCE, FETCH, LIST_OFFSETS, INIT_PRODUCER_ID = 0, 1, 2, 22
BY_NAME = 12
OFFSET_OUT_OF_RANGE, CORRUPT, UNKNOWN_TOPIC, OUT_OF_ORDER = 1, 2, 3, 45
AT_MS = 1_700_000_000_000
LATEST, EARLIEST = -1, -2
THREE = [Record(b"k%d" % at, b"v%d" % at, [("h", b"1")], AT_MS + at) for at in range(3)]


def produce(
    bench: Bench, topic: str, batch: bytes, version: int | None = None, *, transactional_id: str | None = None
) -> PartitionProduceResponse:
    used = bench.newest(PRODUCE, BY_NAME) if version is None else version
    with bench.peer() as peer:
        told = peer.ask(produce_request(topic, batch, -1, transactional_id), used, ProduceResponse)
    same([one.name for one in told.responses], [topic], f"the list of topics in the answer to Produce v{used}")
    return told.responses[0].partition_responses[0]


def produce_request(topic: str, batch: bytes, acks: int, transactional_id: str | None = None) -> ProduceRequest:
    data = TopicProduceData(
        name=topic, topic_id=ZERO_UUID, partition_data=[PartitionProduceData(index=0, records=batch)]
    )
    return ProduceRequest(transactional_id=transactional_id, acks=acks, timeout_ms=10_000, topic_data=[data])


def fetch(
    bench: Bench, topic: str, offset: int, version: int | None = None, *, committed: bool = False, wait_ms: int = 0
) -> PartitionData:
    used = bench.newest(FETCH, BY_NAME) if version is None else version
    partition = FetchPartition(
        partition=0, fetch_offset=offset, partition_max_bytes=1 << 20, replica_directory_id=ZERO_UUID
    )
    request = FetchRequest(
        max_wait_ms=wait_ms,
        min_bytes=1,
        isolation_level=int(committed),
        topics=[FetchTopic(topic=topic, topic_id=ZERO_UUID, partitions=[partition])],
        replica_state=ReplicaState(),
        forgotten_topics_data=[],
    )
    with bench.peer() as peer:
        told = peer.ask(request, used, FetchResponse)
    expect(told.error_code, 0, f"Fetch v{used}")
    if not told.responses or not told.responses[0].partitions:
        raise Wrong(f"Fetch v{used} answers without the partition that was asked for")
    return told.responses[0].partitions[0]


def values(data: PartitionData) -> list[bytes | None]:
    blob = data.records or b""
    assert isinstance(blob, bytes | bytearray | memoryview)
    return [record.value for batch in batches(blob) if not batch.is_control for record in iterate(batch)]


def stores_a_batch(bench: Bench) -> None:
    """A batch is stored at offset 0, the next one after it, in every version of Produce."""
    for version in bench.each(PRODUCE, BY_NAME):
        topic = bench.name(f"produce-{version}")
        create(bench, topic, 1)
        waited(bench, topic)
        batch = bytes(build_batch(THREE))
        for base in (0, 3):
            told = produce(bench, topic, batch, version)
            expect(told.error_code, 0, f"Produce v{version}")
            same(told.base_offset, base, f"the base offset of Produce v{version}")
    bench.kept["records"] = topic


def refuses_a_spoilt_batch(bench: Bench) -> None:
    """A batch whose checksum does not hold is CORRUPT_MESSAGE, and is not stored."""
    spoilt = bytearray(build_batch(THREE))
    spoilt[-1] ^= 1
    expect(produce(bench, bench.kept["records"], bytes(spoilt)).error_code, CORRUPT, "Produce of a spoilt batch")
    same(fetch(bench, bench.kept["records"], 0).high_watermark, 6, "the high watermark after it")


def knows_no_topic_that_is_not_there(bench: Bench) -> None:
    """Produce to a topic that is not there is UNKNOWN_TOPIC_OR_PARTITION."""
    told = produce(bench, bench.name("nowhere"), bytes(build_batch(THREE)))
    expect(told.error_code, UNKNOWN_TOPIC, "Produce to a topic that is not there")


def answers_nothing_to_acks_0(bench: Bench) -> None:
    """A Produce with acks=0 has no answer: the next request's answer is the next one."""
    asked = ApiVersionsRequest(client_software_name="", client_software_version="")
    with bench.peer() as peer:
        version = bench.newest(PRODUCE, BY_NAME)
        peer.send(produce_request(bench.kept["records"], bytes(build_batch(THREE)), 0), version)
        peer.receive(peer.send(asked, 0), ApiVersionsResponse)


def gives_back_what_was_sent(bench: Bench) -> None:
    """Fetch gives back batches byte for byte, but for offset and leader epoch, in every version."""
    sent = build_batch(THREE)
    for version in bench.each(FETCH, BY_NAME):
        data = fetch(bench, bench.kept["records"], 0, version)
        expect(data.error_code, 0, f"Fetch v{version}")
        blob = bytes(data.records or b"")  # type: ignore[arg-type]
        found = list(batches(blob))
        if not found or not all(map(verify_crc, found)):
            raise Wrong(f"the batches of Fetch v{version} are none, or their checksums do not hold")
        same(bytes(found[0].buffer)[16:], bytes(sent)[16:], "what stands after the leader epoch")
        same(found[1].base_offset, 3, "the base offset of the second batch")


def reads_on_from_an_offset(bench: Bench) -> None:
    """Fetch from the middle of a batch gives that batch as a whole; from the end, nothing and no error."""
    topic = bench.kept["records"]
    first = next(iter(batches(bytes(fetch(bench, topic, 1).records or b""))))  # type: ignore[arg-type]
    same(first.base_offset, 0, "the first offset of the batch that has offset 1")
    end = fetch(bench, topic, 0).high_watermark
    data = fetch(bench, topic, end)
    expect(data.error_code, 0, "Fetch at the end")
    same(values(data), [], "what is at the end")


def refuses_an_offset_beyond_the_end(bench: Bench) -> None:
    """An offset beyond the end is OFFSET_OUT_OF_RANGE."""
    expect(fetch(bench, bench.kept["records"], 1000).error_code, OFFSET_OUT_OF_RANGE, "Fetch beyond the end")


def finds_offsets(bench: Bench) -> None:
    """ListOffsets finds the first offset, the end, and the first record at or after a time, in every version."""
    topic = bench.kept["records"]
    end = fetch(bench, topic, 0).high_watermark
    for version in bench.each(LIST_OFFSETS):
        for at, wanted in ((EARLIEST, 0), (LATEST, end), (AT_MS + 1, 1), (AT_MS + 1000, -1)):
            partition = ListOffsetsPartition(partition_index=0, timestamp=at)
            request = ListOffsetsRequest(
                replica_id=-1, isolation_level=0, topics=[ListOffsetsTopic(name=topic, partitions=[partition])],
                timeout_ms=10_000,
            )  # fmt: skip
            with bench.peer() as peer:
                told = peer.ask(request, version, ListOffsetsResponse).topics[0].partitions[0]
            expect(told.error_code, 0, f"ListOffsets v{version} of {at}")
            same(told.offset, wanted, f"the offset for {at} in v{version}")


def producer(bench: Bench, transactional_id: str | None = None) -> tuple[int, int]:
    """A producer id and its epoch."""
    request = InitProducerIdRequest(transactional_id=transactional_id, transaction_timeout_ms=30_000)
    for _ in bench.patiently():  # a coordinator may be loading, as a client knows
        with bench.peer() as peer:
            told = peer.ask(request, bench.newest(INIT_PRODUCER_ID), InitProducerIdResponse)
        if told.error_code not in (14, 15, 16, 51):
            break
    expect(told.error_code, 0, "InitProducerId")
    return told.producer_id, told.producer_epoch


def gives_out_producer_ids(bench: Bench) -> None:
    """InitProducerId gives each producer another id, in epoch 0."""
    one, other = producer(bench), producer(bench)
    same((one[1], other[1]), (0, 0), "the pair of epochs")
    if one[0] == other[0] or min(one[0], other[0]) < 0:
        raise Wrong(f"the producer ids are {one[0]} and {other[0]}")
    bench.kept["producer"] = one


def stores_a_duplicate_once(bench: Bench) -> None:
    """A batch that comes again is answered with its first offset, and is stored once."""
    topic = bench.name("idempotent")
    create(bench, topic, 1)
    waited(bench, topic)
    bench.kept["idempotent"] = topic
    id, epoch = bench.kept["producer"]
    batch = bytes(build_batch(THREE, producer_id=id, producer_epoch=epoch, base_sequence=0))
    for what in ("the first time", "the second time"):
        told = produce(bench, topic, batch)
        expect(told.error_code, 0, what)
        same(told.base_offset, 0, f"the base offset {what}")
    same(fetch(bench, topic, 0).high_watermark, 3, "the high watermark")


def refuses_a_gap(bench: Bench) -> None:
    """A batch that leaves out sequence numbers is OUT_OF_ORDER_SEQUENCE_NUMBER."""
    id, epoch = bench.kept["producer"]
    batch = bytes(build_batch(THREE, producer_id=id, producer_epoch=epoch, base_sequence=7))
    expect(produce(bench, bench.kept["idempotent"], batch).error_code, OUT_OF_ORDER, "a gap of four")


STAGES = (
    (
        "Produce",
        (stores_a_batch, knows_no_topic_that_is_not_there),
    ),
    (
        "Fetch and ListOffsets",
        (
            gives_back_what_was_sent,
            refuses_a_spoilt_batch,
            finds_offsets,
            reads_on_from_an_offset,
            refuses_an_offset_beyond_the_end,
            answers_nothing_to_acks_0,
        ),
    ),
    ("Idempotence", (gives_out_producer_ids, stores_a_duplicate_once, refuses_a_gap)),
)
