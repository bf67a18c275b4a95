"""The HTTP door of a whole broker: health, metrics, and no door where there should be none."""

import re
from typing import Any

import pytest

from kbroker.broker import Broker, CannotStart
from kbroker.config import Config
from wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicState
from wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic, ReplicaState
from wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from wire.primitives import ZERO_UUID
from wire.records import Record, build_batch

from ..running import STRICT, connect, run, serving
from .asking import get

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(page: str) -> Samples:
    """A reader of the format that shares nothing with the writer."""
    found: Samples = {}
    for line in page.splitlines():
        if line and not line.startswith("#"):
            name, labels, value = re.fullmatch(r"([a-z_]+)(?:\{(.*)\})? (\S+)", line).groups()  # type: ignore[union-attr]
            key = name, frozenset(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""))
            assert key not in found, f"{line} stands twice"
            found[key] = float(value)
    return found


def value(found: Samples, name: str, **labels: str) -> Any:
    return found.get((name, frozenset(labels.items())))


def test_health_and_metrics_tell_what_clients_did() -> None:
    async def body() -> None:
        async with serving(kbroker_http="127.0.0.1:0") as broker:
            assert await get(broker, "/healthz") == (200, "ok\n")
            assert await get(broker, "/readyz") == (200, "ready\n")
            client = await connect(broker)
            topic = CreatableTopic(name="t", num_partitions=2, replication_factor=1, assignments=[], configs=[])
            await client.ask(CreateTopicsRequest(topics=[topic]), 7)
            batch = build_batch([Record(b"k", b"v")] * 3, timestamp=1)
            for index in (0, 0, 5):
                data = PartitionProduceData(index=index, records=batch)
                wanted = [TopicProduceData(name="t", topic_id=ZERO_UUID, partition_data=[data])]
                await client.ask(ProduceRequest(acks=-1, timeout_ms=1000, topic_data=wanted), 9)
            await client.ask(fetch("t"), 11)
            found = samples((await get(broker, "/metrics"))[1])
            assert value(found, "kafka_server_brokertopicmetrics_messagesin_total", topic="t") == 6
            assert value(found, "kafka_server_brokertopicmetrics_bytesin_total", topic="t") == 2 * len(batch)
            assert value(found, "kafka_server_brokertopicmetrics_bytesout_total", topic="t") == 2 * len(batch)
            assert value(found, "kafka_server_brokertopicmetrics_failedproducerequests_total", topic="t") == 1
            assert value(found, "kafka_network_requestmetrics_requests_total", request="Produce", version="9") == 3
            errors = "kafka_network_requestmetrics_errors_total"
            assert value(found, errors, request="Produce", error="NONE") == 2
            assert value(found, errors, request="Produce", error="UNKNOWN_TOPIC_OR_PARTITION") == 1
            assert value(found, "kbroker_request_seconds_count", request="Produce") == 3
            assert value(found, "kbroker_request_seconds_bucket", request="Produce", le="+Inf") == 3
            assert value(found, "kafka_log_log_logendoffset", topic="t", partition="0") == 6
            assert value(found, "kafka_topic_partitions", topic="t") == 2
            assert value(found, "kafka_server_socketservermetrics_connection_count", listener="PLAINTEXT") == 1
            await client.close()

    run(body)


def test_what_is_not_answered_counts_and_what_was_deleted_keeps_its_name() -> None:
    async def body() -> None:
        async with serving(kbroker_http="127.0.0.1:0") as broker:
            client = await connect(broker)
            topic = CreatableTopic(name="t", num_partitions=1, replication_factor=1, assignments=[], configs=[])
            id = (await client.ask(CreateTopicsRequest(topics=[topic]), 7)).topics[0].topic_id
            batch = build_batch([Record(b"k", b"v")] * 3, timestamp=1)
            data = PartitionProduceData(index=0, records=batch)
            wanted = [TopicProduceData(name="t", topic_id=id, partition_data=[data])]
            client.send(ProduceRequest(acks=0, timeout_ms=1000, topic_data=wanted), 13)
            client.asked.pop()
            await client.ask(ProduceRequest(acks=-1, timeout_ms=1000, topic_data=wanted), 13)
            state = DeleteTopicState(name="t", topic_id=ZERO_UUID)
            await client.ask(DeleteTopicsRequest(topics=[state], timeout_ms=1000), 6)
            found = samples((await get(broker, "/metrics"))[1])
            assert value(found, "kafka_server_brokertopicmetrics_messagesin_total", topic="t") == 6
            assert value(found, "kafka_server_brokertopicmetrics_bytesin_total", topic="t") == 2 * len(batch)
            errors = "kafka_network_requestmetrics_errors_total"
            assert value(found, errors, request="Produce", error="NONE") == 2
            assert value(found, "kafka_network_requestmetrics_requests_total", request="Produce", version="13") == 2
            await client.close()

    run(body)


def fetch(topic: str) -> FetchRequest:
    partition = FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=1 << 20, replica_directory_id=ZERO_UUID)
    return FetchRequest(
        max_wait_ms=0,
        min_bytes=1,
        topics=[FetchTopic(topic=topic, topic_id=ZERO_UUID, partitions=[partition])],
        replica_state=ReplicaState(),
        forgotten_topics_data=[],
    )


def test_the_guard_stands_before_every_path() -> None:
    async def body() -> None:
        async with serving(kbroker_http="127.0.0.1:0", kbroker_http_token="secret") as broker:
            assert (await get(broker, "/metrics"))[0] == 401
            assert (await get(broker, "/metrics", Authorization="Bearer secret"))[0] == 200
            assert (await get(broker, "/nowhere", Authorization="Bearer secret"))[0] == 404
            assert (await get(broker, "/healthz"))[0] == 200
            assert (await get(broker, "/metrics", "POST", Authorization="Bearer secret"))[0] == 415

    run(body)


def test_no_door_opens_for_others_without_a_token() -> None:
    async def body() -> None:
        with pytest.raises(CannotStart, match=r"kbroker\.http\.token"):
            await Broker(Config(STRICT | {"kbroker.http": "0.0.0.0:0"})).start()
        with pytest.raises(CannotStart, match="cannot listen"):
            async with serving(kbroker_http="127.0.0.1:0") as broker:
                await Broker(Config(STRICT | {"kbroker.http": broker.http})).start()

    run(body)


def test_without_a_door_nothing_counts() -> None:
    async def body() -> None:
        async with serving() as broker:
            assert broker.http == ""
            client = await connect(broker)
            await client.ask(fetch("t"), 11)
            assert broker.server.dispatcher.clock is None
            assert [entry.tally for entry in broker.cluster.apis.entries()] == [None]
            await client.close()

    run(body)
