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
    http: str = ""


class Created(NamedTuple):
    """A broker of a process that holds several."""

    number: int
    broker: Started


class Node(NamedTuple):
    """A broker of a cluster in one process: `state` is "running", "paused" (it hangs) or "stopped". `leads` counts the
    partitions that it leads or would, `connections` its clients."""

    id: int
    rack: str | None
    state: str
    bootstrap: str
    leads: int
    connections: int


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


class GroupEvent(NamedTuple):
    """Something that has happened to a group. `member` is empty where it is the group's; `cause` is for people."""

    at_ms: int
    what: str
    member: str
    cause: str


class GroupChange(NamedTuple):
    """An event, and which group it has happened to."""

    group: str
    event: GroupEvent


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


class LogLine(NamedTuple):
    """A line of the broker's log; time is that of the wall."""

    at_ms: int
    level: str
    name: str
    text: str


class State(NamedTuple):
    """Everything at a glance."""

    cluster_id: str
    time_ms: int
    frozen: bool
    topics: list[Topic]
    groups: list[Group]
    transactions: list[Transaction]
    connections: list[Connection]


class Frame(NamedTuple):
    """The bytes of a request and of its reply, in base64 and without their size in front."""

    number: int
    at_ms: int
    took_ms: float
    connection: int
    request: str
    reply: str | None


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


class Versions(NamedTuple):
    """The versions of an API that are served."""

    api: str
    min_version: int
    max_version: int


class Metric(NamedTuple):
    """A data point that a client has pushed (KIP-714)."""

    name: str
    kind: str
    value: float
    unit: str
    attributes: dict[str, str]


class Push(NamedTuple):
    """What one push has brought. `client` has what is known of who sent it: client_id, client_software_name ..."""

    client: dict[str, str]
    at_ms: int
    terminating: bool
    metrics: list[Metric]


# --- time -------------------------------------------------------------------------------------------------------------


class Time(NamedTuple):
    """`pace` is 1 for time as on the wall, 0 where it stands; `next_timer_ms` when the next timer is due."""

    time_ms: int
    frozen: bool
    pace: float
    next_timer_ms: int | None


class Fired(NamedTuple):
    """A timer that has rung, and the event that it was."""

    at_ms: int
    what: str


class Advanced(NamedTuple):
    time_ms: int
    fired: list[Fired]


# --- faults -----------------------------------------------------------------------------------------------------------


class Match(NamedTuple):
    """Which requests a fault is for: those that fit everything that is said here. Null is no condition.

    `client_id`, `group`, `topic` and `transactional_id` may hold `*` and `?`. A fault for a topic or partition meets
    the requests that speak of it; where it answers with an error, only that partition gets it, if the API can say so.
    `record` is text that begins a record's value; `record_key` is a whole key; `header` the name of a header. `where`
    names fields of the request by their path in its JSON form, `groups[].groupId`, and the values that they have."""

    api: list[str] | None = None
    version: int | None = None
    client_id: str | None = None
    principal: str | None = None
    group: str | None = None
    topic: str | None = None
    partition: int | None = None
    transactional_id: str | None = None
    broker: int | None = None
    connection: int | None = None
    record: bytes | None = None
    record_key: bytes | None = None
    header: str | None = None
    where: dict[str, Any] | None = None


class When(NamedTuple):
    """Which of the requests that fit are met. `nth` is one of them alone, counted from 1; the first `skip` pass;
    after `times` the fault is used up. `probability` is thrown for each with dice of this `seed`. A fault begins with
    the mark `after` and ends with the mark `until`, or so many milliseconds of real time after it was installed
    (`for_ms`): what it holds goes on then."""

    times: int | None = None
    nth: int | None = None
    skip: int = 0
    probability: float = 1.0
    seed: int = 0
    after: str | None = None
    until: str | None = None
    for_ms: int | None = None


class Effect(NamedTuple):
    """What becomes of a request, in this order. Several may come together.

    delay_ms (and up to jitter_ms more, by the dice)     it waits before it is handled
    hold            it waits until it is released
    throttle_ms     the answer tells the client to wait, and nothing of it is read for so long
    blackhole       it is never answered, and nothing behind it on its connection is
    drop            "before": the connection is closed and nothing was done; "after": it was done, but no answer comes
    errors          these errors in their order, one for each; without `times` the fault is used up then
    answer          this response, in JSON form, and nothing is done
    leader, leader_epoch     what Metadata says of the partition (the truth stays)
    stale           Metadata says what was true when the fault was installed: ids, leaders, replicas, brokers
    hide_brokers    brokers that Metadata does not name
    bad_crc         records are fetched with a broken checksum
    answer_delay_ms it has been handled, and the answer waits
    wrong_correlation_id, duplicate    the answer of somebody else; twice
    truncate        so many bytes of the answer are sent, then the connection is closed
    corrupt         the byte at this place of the answer, behind its size, is turned around
    drip_bytes, drip_ms      so many bytes of the answer at a time, so long apart
    callback        whoever follows `faults.held` is asked what to do (`faults.release`); after callback_ms it passes"""

    errors: list[str] | None = None
    message: str | None = None
    delay_ms: int = 0
    jitter_ms: int = 0
    hold: bool = False
    throttle_ms: int = 0
    blackhole: bool = False
    drop: str | None = None
    answer: dict[str, Any] | None = None
    leader: int | None = None
    leader_epoch: int | None = None
    stale: bool = False
    hide_brokers: list[int] | None = None
    bad_crc: bool = False
    answer_delay_ms: int = 0
    wrong_correlation_id: bool = False
    duplicate: bool = False
    truncate: int | None = None
    corrupt: int | None = None
    drip_bytes: int = 0
    drip_ms: int = 10
    callback: bool = False
    callback_ms: int = 5000


class Hit(NamedTuple):
    """A request that a fault has met: what was done to it."""

    at_ms: int
    api: str
    version: int
    client_id: str | None
    connection: int
    correlation_id: int
    done: str


class Met(NamedTuple):
    """A request that has just met a fault, by its number and name."""

    fault: int
    name: str
    hit: Hit


class Fault(NamedTuple):
    """An installed fault: `seen` requests fitted, `hits` of them were met (the newest 1000 are listed), `held` wait.
    `problems` are callbacks that said nothing in time, or nothing that can be done."""

    id: int
    name: str
    match: Match
    when: When
    effect: Effect
    seen: int
    hits: list[Hit]
    held: list[int]
    used_up: bool
    problems: list[str]


class Held(NamedTuple):
    """A request that waits to be released; `request` is in JSON form."""

    id: int
    fault: int
    api: str
    version: int
    client_id: str | None
    connection: int
    broker: int
    principal: str
    request: dict[str, Any]


class Steps(NamedTuple):
    """Step mode: whether it is on, the time that stands, how many requests have gone on, and those that wait."""

    on: bool
    time_ms: int
    done: int
    waiting: list[Held]


class Moved(NamedTuple):
    """What a step has changed; empty is what is not there."""

    what: str
    before: str
    after: str


class Step(NamedTuple):
    """A request that has gone on: what it has changed, and groups, transactions and logs before and after it."""

    number: int
    request: Held
    moved: list[Moved]
    before: dict[str, str]
    after: dict[str, str]
    then: Steps
