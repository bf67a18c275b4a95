"""Writing records, and copying some of a topic to another: dead letters back to where they came from.

    asked for (partition, offset) --read--> records --plan--> where each would go --execute--> where each is

The plan is made the same way for a dry run and for the real one, and says what would be refused before anything is
written. Key, value, headers and timestamp stay; headers that tell of the failure may be left out. A copy is no
transaction: what fails midway is said with how much was written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from kbroker.control.shapes import Place
from kbroker.control.table import ControlError
from kbroker.http.visiting import Visit, partition_for
from kbroker.partitioner import PARTITIONERS
from kbroker.records.lines import from_json
from kbroker.records.read import NotUnderstood
from wire.batch import batches
from wire.compression import NAMES, UnsupportedCompression
from wire.errors import MalformedMessage
from wire.records import Record, iterate

if TYPE_CHECKING:
    from kbroker.catalog import Topic
    from kbroker.partitions.partition import Partition

MOST_RECORDS = 10_000
BATCH_BYTES = 512 << 10
BATCH_RECORDS = 500
RECORD_OVERHEAD = 100


class Selected(NamedTuple):
    """A record by its place."""

    partition: int
    offset: int


class Planned(NamedTuple):
    """One record of a copy: whence, whither, and why it cannot go. `to_offset` is -1 until it is there."""

    partition: int
    offset: int
    to_partition: int
    to_offset: int
    key: Any
    bytes: int
    problem: str


class Copied(NamedTuple):
    """What a copy does, or has done: `executed` says which. `copied` counts what was written."""

    topic: str
    to: str
    executed: bool
    records: list[Planned]
    bytes: int
    copied: int
    problems: int
    failed: str


async def produce(
    visit: Visit,
    topic: str,
    records: list[dict[str, Any]],
    partition: int | None = None,
    partitioner: str = "murmur2",
    compression: str = "none",
) -> list[Place]:
    """Write records, as `kbroker produce --json` takes them: "value", and maybe "key", "headers", "timestamp",
    "partition". The answer says where each lies. Keys decide where they go as in the Java client, or as the
    partitioner does."""
    if partitioner not in PARTITIONERS or compression not in NAMES:
        known = f"partitioners are {', '.join(PARTITIONERS)}; compressions are {', '.join(NAMES)}"
        raise ControlError("argument", known)
    if len(records) > MOST_RECORDS:
        raise ControlError("argument", f"{MOST_RECORDS} records at most")
    found = visit.topic(topic, "WRITE")
    by_partition: dict[int, list[tuple[int, Record]]] = defaultdict(list)
    for at, fields in enumerate(records):
        record, asked = _read(fields)
        wanted = partition if partition is not None else asked
        index = partition_for(record, at, len(found.partitions), partitioner) if wanted is None else wanted
        if not 0 <= index < len(found.partitions):
            raise ControlError("missing", f"{topic} has no partition {index}")
        by_partition[index].append((at, record))
    places: dict[int, Place] = {}
    for index, mine in by_partition.items():
        for part in _batches(mine):
            base = await visit.write(found, index, [record for _, record in part], NAMES.index(compression))
            places.update({at: Place(topic, index, base + delta) for delta, (at, _) in enumerate(part)})
    return [places[at] for at in range(len(records))]


def _read(fields: dict[str, Any]) -> tuple[Record, int | None]:
    import json

    try:
        return from_json(json.dumps(fields))
    except NotUnderstood as error:
        raise ControlError("argument", str(error)) from None


def _batches(records: Sequence[tuple[int, Record]]) -> list[list[tuple[int, Record]]]:
    """Pieces of which each is one batch."""
    pieces: list[list[tuple[int, Record]]] = [[]]
    size = 0
    for each in records:
        mine = size_of(each[1])
        if pieces[-1] and (size + mine > BATCH_BYTES or len(pieces[-1]) >= BATCH_RECORDS):
            pieces.append([])
            size = 0
        pieces[-1].append(each)
        size += mine
    return pieces


def size_of(record: Record) -> int:
    headers = sum(len(name) + len(content or b"") for name, content in record.headers)
    return RECORD_OVERHEAD + len(record.key or b"") + len(record.value or b"") + headers


# --- copying ----------------------------------------------------------------------------------------------------------


async def copy(
    visit: Visit,
    topic: str,
    to: str,
    records: list[Selected],
    drop_headers: list[str] | None = None,
    partition: int | None = None,
    execute: bool = False,
) -> Copied:
    """Copy these records to another topic. Without `execute` nothing is written: the answer is the plan. A record keeps
    its partition where both topics have as many, else its key decides. `drop_headers` are names of headers, or
    beginnings with a * behind them, that are left out."""
    if topic == to:
        raise ControlError("argument", "that would copy the topic onto itself")
    if not records or len(records) > MOST_RECORDS:
        raise ControlError("argument", f"1 to {MOST_RECORDS} records can be copied at once, not {len(records)}")
    source, target = visit.topic(topic, "READ"), visit.topic(to, "WRITE")
    if partition is not None and not 0 <= partition < len(target.partitions):
        raise ControlError("missing", f"{to} has no partition {partition}")
    rows: list[Planned] = []
    turn, failed = 0, ""
    wanted = sorted(set(records))
    while wanted and not failed:
        part, wanted = await _some(visit, topic, wanted)
        planned = [
            (_planned(chosen, record, source, target, partition, turn + at), _without(record, drop_headers or ()))
            for at, (chosen, record) in enumerate(part)
        ]
        turn += len(part)
        if execute:
            planned, failed = await _written(visit, target, planned)
        rows += [row for row, _ in planned]
    copied = sum(row.to_offset >= 0 for row in rows)
    problems = sum(bool(row.problem) for row in rows)
    return Copied(topic, to, execute, rows, sum(row.bytes for row in rows), copied, problems, failed)


async def _some(
    visit: Visit, topic: str, wanted: list[Selected]
) -> tuple[list[tuple[Selected, Record | None]], list[Selected]]:
    """The first of them, read: as many as memory is given to, and those that are left. None: it is not there."""
    found: list[tuple[Selected, Record | None]] = []
    held: dict[int, Record] = {}
    size, place = 0, -1
    for at, chosen in enumerate(wanted):
        if size >= BATCH_BYTES:
            return found, wanted[at:]
        if chosen.partition != place or chosen.offset not in held:
            log, place = await visit.partition(topic, chosen.partition), chosen.partition
            held = await _around(log, chosen.offset)
        record = held.get(chosen.offset)
        size += 0 if record is None else size_of(record)
        found.append((chosen, record))
    return found, []


async def _around(log: Partition, offset: int) -> dict[int, Record]:
    """The records of the batch that holds an offset."""
    if not log.log_start <= offset < log.high_watermark:
        return {}
    chunk = await log.read(offset, 1, log.high_watermark)
    for buffer in chunk.buffers:
        for batch in batches(buffer):
            if batch.is_control or not batch.base_offset <= offset <= batch.last_offset:
                continue
            try:
                return {each.offset: each for each in iterate(batch, log.rules.max_decompressed_bytes)}
            except (MalformedMessage, UnsupportedCompression):
                return {}
    return {}


def _planned(
    chosen: Selected, record: Record | None, source: Topic, target: Topic, partition: int | None, turn: int
) -> Planned:
    """Where the record goes, or why it cannot."""
    if record is None:
        return Planned(*chosen, -1, -1, None, 0, "there is no such record")
    count = len(target.partitions)
    if partition is not None:
        index = partition
    elif len(source.partitions) == count:
        index = chosen.partition
    else:
        index = partition_for(record, turn, count)
    config = target.config
    most, size = config["max.message.bytes"], size_of(record)
    problem = ""
    if size > most:
        problem = f"about {size} bytes; {target.name} takes {most}"
    elif record.key is None and "compact" in config["cleanup.policy"]:
        problem = f"it has no key, and {target.name} is compacted"
    return Planned(*chosen, index, -1, record.key, size, problem)


def _without(record: Record | None, dropped: Sequence[str]) -> Record:
    if record is None:
        return Record()
    kept = [(name, content) for name, content in record.headers if not _is_dropped(name, dropped)]
    return record._replace(headers=kept, offset=-1)


def _is_dropped(name: str, dropped: Sequence[str]) -> bool:
    return any(name.startswith(each[:-1]) if each.endswith("*") else name == each for each in dropped)


async def _written(
    visit: Visit, target: Topic, planned: list[tuple[Planned, Record]]
) -> tuple[list[tuple[Planned, Record]], str]:
    """What can go is written; the sentence is why it stopped, if it did."""
    done = [each for each in planned if each[0].problem]
    by_partition: dict[int, list[tuple[int, Record]]] = defaultdict(list)
    for at, (row, record) in enumerate(planned):
        if not row.problem:
            by_partition[row.to_partition].append((at, record))
    failed = ""
    for index, mine in by_partition.items():
        for part in _batches(mine):
            base = -1
            if not failed:
                try:
                    base = await visit.write(target, index, [record for _, record in part])
                except ControlError as error:
                    failed = str(error)
            for delta, (at, record) in enumerate(part):
                row = planned[at][0]
                done.append((row._replace(to_offset=base + delta if base >= 0 else -1), record))
    return sorted(done, key=lambda each: each[0][:2]), failed
