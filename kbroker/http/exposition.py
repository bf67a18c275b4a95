"""The metrics page in Prometheus' text format 0.0.4.

Names are those that dashboards know where there are such: `kafka_server_...`, `kafka_network_...`, `kafka_log_...` as
the usual rules of the JMX exporter make them of Kafka's own, `kafka_topic_...`, `kafka_consumergroup_...` as
kafka_exporter has them. Our own begin with `kbroker_`. What clients push of themselves keeps its name, with `_` for
what cannot stand in one.

The page is made in pieces, and the loop has its turn between them: ten thousand partitions hold nobody up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from itertools import accumulate, islice
from typing import TYPE_CHECKING

from kbroker.metrics import LATENCY_S, Metrics
from storage.engine import UnknownLog
from wire.errors import error_name
from wire.registry import APIS

if TYPE_CHECKING:
    from kbroker.broker import Broker
    from kbroker.cluster import Cluster

Sample = tuple[Mapping[str, object], float]
Family = tuple[str, str, str, Iterable[Sample]]
"""Name, type, help, samples. Names of a histogram's samples are made of its labels `le`."""

PIECE_LINES = 500
FIRST, END, SIZE = range(3)
SUFFIX = ""
"""Not a label, but what is appended to the family's name."""


async def page(broker: Broker, metrics: Metrics) -> AsyncIterator[bytes]:
    """The page, piece by piece."""
    lines = _lines(_families(broker, metrics))
    while piece := "".join(islice(lines, PIECE_LINES)):
        yield piece.encode()
        await asyncio.sleep(0)


def _lines(families: Iterable[Family]) -> Iterator[str]:
    for name, kind, words, samples in families:
        yield f"# HELP {name} {words}\n# TYPE {name} {kind}\n"
        for labels, value in samples:
            suffix = labels.get(SUFFIX, "")
            told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items() if label != SUFFIX)
            yield f"{name}{suffix}{{{told}}} {_number(value)}\n" if told else f"{name}{suffix} {_number(value)}\n"


def _escaped(text: object) -> str:
    return str(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _families(broker: Broker, metrics: Metrics) -> Iterator[Family]:
    cluster = broker.cluster
    metrics.settle()
    yield from _requests(metrics, broker.server.dispatcher.refusals)
    yield from _traffic(metrics)
    yield from _connections(broker)
    yield from _cluster(cluster)
    yield from _logs(cluster)
    yield from _groups(cluster)
    yield from _transactions(cluster)
    yield from _clients(cluster)


# --- requests -------------------------------------------------------------------------------------------------------


def _requests(metrics: Metrics, refusals: int) -> Iterator[Family]:
    apis = sorted(metrics.apis.items())

    def each(value: str) -> Iterator[Sample]:
        for (key, version), counts in apis:
            yield {"request": APIS[key].kafka_name, "version": version}, getattr(counts, value)

    yield "kafka_network_requestmetrics_requests_total", "counter", "Requests answered.", each("requests")
    yield "kbroker_request_bytes_total", "counter", "Bytes of requests.", each("bytes_in")
    yield "kbroker_response_bytes_total", "counter", "Bytes of responses.", each("bytes_out")
    errors = (
        ({"request": APIS[key].kafka_name, "error": error_name(code)}, float(count))
        for (key, code), count in sorted(metrics.told().items())
    )
    yield "kafka_network_requestmetrics_errors_total", "counter", "Error codes told, NONE among them.", errors
    yield "kbroker_request_seconds", "histogram", "From the last byte of a request to its answer.", _latencies(metrics)
    refused: list[Sample] = [({}, refusals)]
    yield "kbroker_refused_requests_total", "counter", "Requests that cost their connection.", refused


def _latencies(metrics: Metrics) -> Iterator[Sample]:
    by_api: dict[int, tuple[list[int], float]] = {}
    for (key, _), counts in sorted(metrics.apis.items()):
        buckets, seconds = by_api.get(key, ([0] * len(counts.buckets), 0.0))
        by_api[key] = (
            [one + other for one, other in zip(buckets, counts.buckets, strict=True)],
            seconds + counts.seconds,
        )
    for key, (buckets, seconds) in by_api.items():
        request = APIS[key].kafka_name
        ends = (*(repr(end) for end in LATENCY_S), "+Inf")
        for end, count in zip(ends, accumulate(buckets), strict=True):
            yield {"request": request, "le": end, SUFFIX: "_bucket"}, count
        yield {"request": request, SUFFIX: "_sum"}, seconds
        yield {"request": request, SUFFIX: "_count"}, sum(buckets)


def _traffic(metrics: Metrics) -> Iterator[Family]:
    prefix = "kafka_server_brokertopicmetrics_"
    for name, value, words in (
        ("messagesin_total", "records_in", "Records that producers had acknowledged."),
        ("bytesin_total", "bytes_in", "Bytes of their batches."),
        ("bytesout_total", "bytes_out", "Bytes of batches that were fetched."),
        ("totalproducerequests_total", "produces", "Partitions produced to."),
        ("totalfetchrequests_total", "fetches", "Partitions fetched from, in answers."),
        ("failedproducerequests_total", "failed_produces", "Partitions that a Produce failed for."),
        ("failedfetchrequests_total", "failed_fetches", "Partitions that a Fetch failed for."),
    ):
        samples = (({"topic": topic}, getattr(counts, value)) for topic, counts in sorted(metrics.topics.items()))
        yield prefix + name, "counter", words, samples


def _connections(broker: Broker) -> Iterator[Family]:
    counts: dict[str, int] = {}
    for connection in broker.server.connections:
        counts[connection.listener.name] = counts.get(connection.listener.name, 0) + 1
    samples = [({"listener": name}, float(count)) for name, count in sorted(counts.items())]
    yield "kafka_server_socketservermetrics_connection_count", "gauge", "Open connections.", samples
    memory: list[Sample] = [({}, broker.server.budget.used)]
    yield (
        "kbroker_held_bytes",
        "gauge",
        "Bytes of requests and replies that are held (queued.max.request.bytes).",
        memory,
    )


# --- the cluster ----------------------------------------------------------------------------------------------------


def _cluster(cluster: Cluster) -> Iterator[Family]:
    topics = cluster.catalog.topics()
    states = [state for topic in topics for state in topic.partitions]
    behind = sum(len(state.isr) < len(state.replicas) for state in states)
    lost = sum(state.leader < 0 for state in states)
    for name, words, value in (
        ("kafka_brokers", "Brokers of the cluster.", len(cluster.catalog.nodes)),
        ("kafka_controller_kafkacontroller_activecontrollercount", "Whether there is a controller.", 1),
        ("kafka_controller_kafkacontroller_globaltopiccount", "Topics.", len(topics)),
        ("kafka_controller_kafkacontroller_globalpartitioncount", "Partitions.", len(states)),
        ("kafka_controller_kafkacontroller_offlinepartitionscount", "Partitions without a leader.", lost),
        ("kafka_server_replicamanager_partitioncount", "Partitions.", len(states)),
        ("kafka_server_replicamanager_leadercount", "Partitions with a leader.", len(states) - lost),
        ("kafka_server_replicamanager_underreplicatedpartitions", "Partitions with replicas that are behind.", behind),
    ):
        single: list[Sample] = [({}, value)]
        yield name, "gauge", words, single
    partitions = [({"topic": topic.name}, float(len(topic.partitions))) for topic in topics]
    yield "kafka_topic_partitions", "gauge", "Partitions of a topic.", partitions


def _logs(cluster: Cluster) -> Iterator[Family]:
    rows = [
        ({"topic": topic.name, "partition": index}, topic, index, state)
        for topic in cluster.catalog.topics()
        for index, state in enumerate(topic.partitions)
    ]

    known = [(labels, _ends(cluster, topic.id, index)) for labels, topic, index, _ in rows]
    for name, words, at in (
        ("kafka_log_log_logstartoffset", "The first offset of a partition.", FIRST),
        ("kafka_log_log_logendoffset", "The offset after the last one that can be read.", END),
        ("kafka_log_log_size", "Bytes of a partition's log.", SIZE),
        ("kafka_topic_partition_oldest_offset", "The first offset of a partition.", FIRST),
        ("kafka_topic_partition_current_offset", "The offset after the last one that can be read.", END),
    ):
        yield name, "gauge", words, ((labels, ends[at]) for labels, ends in known)
    for name, words, value in (
        ("kafka_topic_partition_leader", "The node that leads a partition.", lambda state: state.leader),
        ("kafka_topic_partition_replicas", "Replicas of a partition.", lambda state: len(state.replicas)),
        ("kafka_topic_partition_in_sync_replica", "Replicas that are in sync.", lambda state: len(state.isr)),
    ):
        yield name, "gauge", words, ((labels, value(state)) for labels, _, _, state in rows)


def _ends(cluster: Cluster, topic_id: bytes, index: int) -> tuple[int, int, int]:
    """First offset, end and bytes of a partition, without opening it."""
    try:
        extents = cluster.engine.extents(f"{topic_id.hex()}/{index}")
    except UnknownLog:  # nobody has used it yet
        return 0, 0, 0
    size = sum(extent.size for extent in extents)
    opened = cluster.partitions.opened(topic_id, index)
    if opened is not None and opened.is_open:
        return opened.log_start, opened.high_watermark, size
    return (extents[0].base, extents[-1].end, size) if extents else (0, 0, size)


def _groups(cluster: Cluster) -> Iterator[Family]:
    from kbroker.control.views import groups

    found = groups(cluster)
    members = [({"consumergroup": group.id, "state": group.state}, float(len(group.members))) for group in found]
    yield "kafka_consumergroup_members", "gauge", "Members of a group.", members
    epochs = [({"consumergroup": group.id, "type": group.type}, float(group.epoch)) for group in found]
    yield "kbroker_group_epoch", "gauge", "Generation or epoch of a group: each rebalance raises it.", epochs
    offsets = [
        ({"consumergroup": group.id, "topic": one.topic, "partition": one.partition}, one)
        for group in found
        for one in group.offsets
    ]
    current = ((labels, float(one.offset)) for labels, one in offsets)
    yield "kafka_consumergroup_current_offset", "gauge", "What a group has committed.", current
    lag = ((labels, float(one.lag)) for labels, one in offsets if one.lag >= 0)
    yield "kafka_consumergroup_lag", "gauge", "How far that is behind the end.", lag


def _transactions(cluster: Cluster) -> Iterator[Family]:
    from kbroker.control.views import transactions

    counts: dict[str, int] = {}
    for one in transactions(cluster):
        counts[one.state] = counts.get(one.state, 0) + 1
    samples = [({"state": state}, float(count)) for state, count in sorted(counts.items())]
    yield "kbroker_transactional_ids", "gauge", "Transactional ids by the state of their transaction.", samples


def _clients(cluster: Cluster) -> Iterator[Family]:
    """What clients push of themselves (KIP-714); nothing where nobody has ever asked them."""
    if "telemetry" in cluster.late:
        return
    latest = cluster.telemetry.latest
    yield from latest.families(cluster.world.time_ms())
    left_out: list[Sample] = [({}, latest.left_out)]
    yield "kbroker_client_metrics_left_out_total", "counter", "Data points of clients over the limits.", left_out
