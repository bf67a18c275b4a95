"""What verbs take and answer with: values with names, the same on both ends of a door.

Times are milliseconds since the epoch, offsets are Kafka's. Bytes are bytes here and text in JSON (`plain.py`). The
standard library and nothing else: the client of the verbs imports this file in the process of the test.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Started(NamedTuple):
    """What is known of a broker when it accepts connections."""

    bootstrap: str
    cluster_id: str
    node_ids: list[int]
    pid: int
    version: str


class Partition(NamedTuple):
    """A partition as its leader knows it; node -1 is no leader. Between the start and the end lie `records`, if none of
    them is a marker or has been compacted away: those are not counted."""

    topic: str
    partition: int
    leader: int
    leader_epoch: int
    replicas: list[int]
    isr: list[int]
    start_offset: int
    high_watermark: int
    last_stable_offset: int
    end_offset: int
    size_bytes: int
    records: int
    producers: int
    open_transactions: int


class Topic(NamedTuple):
    name: str
    id: str
    internal: bool
    configs: dict[str, str]
    partitions: list[Partition]


class Header(NamedTuple):
    name: str
    value: bytes | None


class Record(NamedTuple):
    """A record, to be produced or as it lies in a partition. `partition` -1 lets the key decide, as the Java client
    does it; `timestamp` -1 is now."""

    value: bytes | None = None
    key: bytes | None = None
    headers: list[Header] = []  # noqa: RUF012 - nobody changes it
    partition: int = -1
    timestamp: int = -1
    topic: str = ""
    offset: int = -1
    transactional: bool = False


class Place(NamedTuple):
    """Where a record has been written."""

    topic: str
    partition: int
    offset: int


class TopicPartition(NamedTuple):
    topic: str
    partition: int


class Member(NamedTuple):
    """A member of a group. `assigned` is what it has been given; `revoking` what it is told to give up (KIP-848)."""

    id: str
    client_id: str
    host: str
    instance_id: str | None
    epoch: int
    topics: list[str]
    assigned: list[TopicPartition]
    revoking: list[TopicPartition]


class Committed(NamedTuple):
    """A committed offset. `lag` is how far the partition's end is away; -1 if there is no such partition any more."""

    topic: str
    partition: int
    offset: int
    metadata: str
    lag: int


class Group(NamedTuple):
    """A group. `epoch` is the generation of a classic group; `state` is what DescribeGroups says."""

    id: str
    type: str
    state: str
    epoch: int
    protocol: str
    coordinator: int
    members: list[Member]
    offsets: list[Committed]


class Transaction(NamedTuple):
    """A transactional id and the transaction that it is in, if the state says so."""

    transactional_id: str
    state: str
    producer_id: int
    epoch: int
    timeout_ms: int
    started_ms: int
    coordinator: int
    partitions: list[TopicPartition]


class Connection(NamedTuple):
    """A connection. `ended` is empty as long as it lives, then why and by whom it was ended."""

    id: int
    host: str
    port: int
    listener: str
    node: int
    principal: str
    software: str
    ended: str = ""
    ended_ms: int = -1


class State(NamedTuple):
    """Everything at a glance."""

    cluster_id: str
    time_ms: int
    frozen: bool
    topics: list[Topic]
    groups: list[Group]
    transactions: list[Transaction]
    connections: list[Connection]


class Request(NamedTuple):
    """A request that was seen, and what became of it. `errors` are the names of all error codes in the response;
    `response` is null as long as there is none, or when none was sent. `refused` says why the connection was closed
    instead; `faults` which of the installed faults it met."""

    number: int
    at_ms: int
    api: str
    version: int
    client_id: str | None
    correlation_id: int
    connection: int
    node: int
    request: dict[str, Any]
    response: dict[str, Any] | None
    took_ms: float
    errors: list[str]
    refused: str
    faults: list[str]
