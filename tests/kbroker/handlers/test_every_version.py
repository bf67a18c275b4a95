"""Every API in every advertised version: a request for what exists is answered, and no bug of ours is behind it."""

from typing import Any

import pytest

from kbroker.server.apis import Apis
from tests.kbroker.running import connect, run, serving
from wire.errors import ErrorCode
from wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from wire.messages.find_coordinator import FindCoordinatorRequest
from wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from wire.messages.metadata import MetadataRequest
from wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from wire.records import Record, build_batch
from wire.registry import APIS
from wire.schema import Field, Struct

TOPIC, GROUP = "orders", "readers"

APIS_AND_VERSIONS = [
    pytest.param(key, version, id=f"{APIS[key].name}-{version}")
    for key, _, high in Apis().advertised()
    for version in range(APIS[key].min_version, high + 1)
]

# What the request asks about, by the name of the field.
MEANINGS: dict[str, Any] = {
    "acks": 1,
    "client_software_name": "tester",
    "client_software_version": "1.0",
    "current_leader_epoch": -1,
    "endpoint_type": 1,
    "generation_id": 1,
    "generation_id_or_member_epoch": -1,
    "isolation_level": 1,
    "key_type": 0,
    "last_fetched_epoch": -1,
    "max_bytes": 1 << 20,
    "max_wait_ms": 0,
    "num_partitions": 1,
    "partition_max_bytes": 1 << 20,
    "producer_epoch": -1,
    "producer_id": -1,
    "protocol_type": "consumer",
    "rebalance_timeout_ms": 6_000,
    "replica_id": -1,
    "replication_factor": 1,
    "resource_type": 2,
    "session_epoch": -1,
    "session_timeout_ms": 6_000,
    "timeout_ms": 1_000,
    "timestamp": 0,
    "transaction_timeout_ms": 1_000,
    "response_partition_limit": 10,
}
TOPIC_NAMES = {"name", "topic", "resource_name", "topics", "topic_names"}
NULL = {"cursor", "transactional_id", "group_instance_id", "committed_leader_epoch"}


def filled(struct: Any, version: int, topic_id: bytes) -> Any:
    """A request about the topic, the group and the records that exist."""
    key = getattr(type(struct), "__api_key__", None)
    for field in struct.__fields__:
        if version not in field.versions or field.tag is not None or field.name in NULL:
            continue
        if field.name in MEANINGS:
            setattr(struct, field.name, MEANINGS[field.name])
        elif field.kind == "uuid":
            setattr(struct, field.name, topic_id)
        elif field.kind == "records":
            setattr(struct, field.name, build_batch([Record(b"k", b"v")], timestamp=1_000))
        elif field.kind == "string":
            setattr(struct, field.name, text(field, key))
        elif field.kind == "array" and field.name not in ("assignments", "configs", "forgotten_topics_data"):
            setattr(struct, field.name, [element(field, version, topic_id, key)])
    return struct


def text(field: Field, key: int | None) -> str:
    if field.name in TOPIC_NAMES or field.entity == "topicName":
        return TOPIC
    return GROUP if "group" in field.name or field.name == "key" else ""


def element(field: Field, version: int, topic_id: bytes, key: int | None) -> Any:
    inner = field.element
    assert inner is not None
    if inner.struct is not None:
        return filled(inner.struct(), version, topic_id)
    if inner.kind == "string":
        return TOPIC if field.name in TOPIC_NAMES and key != 15 else GROUP
    return topic_id if inner.kind == "uuid" else 0


def codes(value: Any) -> list[int]:
    if isinstance(value, list):
        return [code for item in value for code in codes(item)]
    if not isinstance(value, Struct):
        return []
    own = [getattr(value, field.name) for field in value.__fields__ if field.name.endswith("error_code")]
    return own + [code for field in value.__fields__ for code in codes(getattr(value, field.name))]


@pytest.mark.parametrize(("key", "version"), APIS_AND_VERSIONS)
def test_it_is_answered_and_no_bug_is_behind_it(key: int, version: int, caplog: pytest.LogCaptureFixture) -> None:
    async def body() -> None:
        async with serving() as broker:
            client = await connect(broker)
            topic = CreatableTopic(name=TOPIC, num_partitions=1, replication_factor=1, assignments=[], configs=[])
            await client.ask(CreateTopicsRequest(topics=[topic], timeout_ms=1_000), 7)
            (known,) = (await client.ask(MetadataRequest(topics=None), 12)).topics
            await client.ask(produce(), 9)
            await client.ask(FindCoordinatorRequest(coordinator_keys=[GROUP]), 4)
            await client.ask(commit(), 8)
            request = filled(APIS[key].request_class()(), version, known.topic_id)
            response = await client.ask(request, version)
            assert ErrorCode.UNKNOWN_SERVER_ERROR not in codes(response)
            await client.close()

    run(body)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize(("key", "version"), APIS_AND_VERSIONS)
def test_a_request_about_nothing_is_answered_too(key: int, version: int, caplog: pytest.LogCaptureFixture) -> None:
    """No topics, no partitions, empty and null names: an answer as it may be, but never a closed connection."""

    async def body() -> None:
        async with serving() as broker:
            client = await connect(broker)
            for null in (False, True):
                response = await client.ask(about_nothing(APIS[key].request_class()(), version, null), version)
                assert ErrorCode.UNKNOWN_SERVER_ERROR not in codes(response)
            await client.close()

    run(body)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


def about_nothing(struct: Any, version: int, null: bool) -> Any:
    """Everything empty, or null where it may be null."""
    for field in struct.__fields__:
        if field.name in ("max_wait_ms", "acks"):
            setattr(struct, field.name, MEANINGS[field.name])
        elif null and version in field.versions and version in field.nullable:
            setattr(struct, field.name, None)
    return struct


def produce() -> ProduceRequest:
    batch = build_batch([Record(b"k", b"v") for _ in range(3)], timestamp=1_000)
    data = TopicProduceData(name=TOPIC, partition_data=[PartitionProduceData(index=0, records=batch)])
    return ProduceRequest(acks=1, timeout_ms=1_000, topic_data=[data])


def commit() -> OffsetCommitRequest:
    partition = OffsetCommitRequestPartition(
        partition_index=0, committed_offset=2, committed_leader_epoch=0, committed_metadata="m"
    )
    topics = [OffsetCommitRequestTopic(name=TOPIC, partitions=[partition])]
    return OffsetCommitRequest(group_id=GROUP, generation_id_or_member_epoch=-1, member_id="", topics=topics)


@pytest.mark.parametrize("version", range(10))
def test_a_member_joins_in_every_version(version: int) -> None:
    must_ask_again_with_its_id = version >= 4

    async def body() -> None:
        async with serving() as broker:
            client = await connect(broker)
            await client.ask(FindCoordinatorRequest(coordinator_keys=[GROUP]), 4)
            request = JoinGroupRequest(
                group_id=GROUP,
                session_timeout_ms=6_000,
                member_id="",
                protocol_type="consumer",
                protocols=[JoinGroupRequestProtocol(name="range", metadata=b"\0\1")],
            )
            if version >= 1:
                request.rebalance_timeout_ms = 6_000
            response = await client.ask(request, version)
            if must_ask_again_with_its_id:
                assert response.error_code == ErrorCode.MEMBER_ID_REQUIRED
                request.member_id = response.member_id
                response = await client.ask(request, version)
            assert (response.error_code, response.generation_id) == (0, 1)
            assert response.leader == response.member_id
            await client.close()

    run(body)
