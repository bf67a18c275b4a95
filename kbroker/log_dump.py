"""The lines of `kbroker log dump`: logs by their topics, and what is in them, in words.

Which topic a log belongs to is in the catalog's own log. The records of logs that only brokers write (the catalog,
`__consumer_offsets`, `__transaction_state`) are shown as what they mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kbroker.partitions import checkpoint
from storage.disk.inspect import Directory, LogView, NoteView, Reader, SegmentView, walk
from wire.batch import Batch
from wire.compression import UnsupportedCompression
from wire.compression import name as codec_name
from wire.durable.catalog import CatalogTopicKey, CatalogTopicValue
from wire.durable.codec import BY_TOPIC, GROUPS, Types, decode_key, decode_value
from wire.errors import MalformedMessage
from wire.records import ABORT, COMMIT, Record, control_type, iterate

CATALOG = "catalog"
FOREVER_MS = 1 << 62
SHOWN_BYTES = 200

MEANING: dict[str, Types] = {CATALOG: GROUPS, **BY_TOPIC}


class Asked(NamedTuple):
    """What is to be shown."""

    batches: bool
    records: bool
    first: int
    most: int | None


class Dump:
    """`damage` counts what was found while the lines are made."""

    def __init__(self, files: Reader, directory: Directory, asked: Asked, runs: bool) -> None:
        self._files = files
        self._directory = directory
        self._asked = asked
        self._runs = runs
        self._topics = self._names()
        self.damage = 0

    def _names(self) -> dict[str, str]:
        """Topic by topic id in hex."""
        topics: dict[str, str] = {}
        log = self._directory.logs.get(CATALOG)
        for segment in log.segments if log is not None else ():
            for _, batch in walk(self._files, segment):
                if isinstance(batch, str):
                    break
                for record in iterate(batch):
                    key = None if record.key is None else decode_key(record.key)
                    if not isinstance(key, CatalogTopicKey):
                        continue
                    value = None if record.value is None else decode_value(key, record.value)
                    if isinstance(value, CatalogTopicValue):
                        topics[key.topic_id.hex()] = value.name
        return topics

    def title(self, name: str) -> str:
        """orders-0 for a partition's log."""
        topic_id, _, index = name.partition("/")
        return f"{self._topics[topic_id]}-{index}" if topic_id in self._topics else name

    def matching(self, topic: str | None) -> list[str]:
        """The logs of a topic, of one partition, or all."""
        names = sorted(self._directory.logs, key=self._order)
        if topic is None:
            return names
        return [name for name in names if topic in (self._topic(name), self.title(name))]

    def _topic(self, name: str) -> str:
        return self._topics.get(name.partition("/")[0], name)

    def _order(self, name: str) -> tuple[bool, str, int]:
        index = name.partition("/")[2]
        return name != CATALOG, self._topic(name), int(index) if index.isdigit() else 0

    def topics_in_words(self) -> str:
        known = sorted({self._topic(name) for name in self._directory.logs})
        return ", ".join(known[:10]) + (f" and {len(known) - 10} more" if len(known) > 10 else "") or "none"

    # --- lines ----------------------------------------------------------------------------------------------------

    def lines(self, names: list[str], where: str) -> Iterator[str]:
        found = self._directory
        identity = found.identity
        yield f"{where}: format {identity.format}, cluster {identity.cluster_id}, node {identity.node_id}"
        if self._runs:
            yield f"process {found.owner} is running on it: what it writes just now may look cut off"
        elif found.stopped:
            yield "the broker was stopped in good order"
        else:
            yield "the broker did not stop in good order: the next start will look for a torn end"
        yield from self._damaged("", found.damage)
        yield from self._damaged("", self._lost())
        yield from (f"remark: {remark}" for remark in found.remarks)
        for name in names:
            yield ""
            yield from self._log(found.logs[name])
        yield ""
        yield f"{len(names)} logs, " + (f"{self.damage} times damage" if self.damage else "all sound")

    def _lost(self) -> list[str]:
        """The catalog's log is there before the first other one."""
        catalog = self._directory.logs.get(CATALOG)
        others = len(self._directory.logs) - (catalog is not None)
        if not others or (catalog is not None and catalog.end):
            return []
        return [f"the catalog is empty, but there are logs of topics ({others}): its files have vanished"]

    def _damaged(self, indent: str, damage: list[str]) -> Iterator[str]:
        self.damage += len(damage)
        yield from (f"{indent}damage: {each}" for each in damage)

    def _log(self, log: LogView) -> Iterator[str]:
        size = sum(segment.size for segment in log.segments)
        many = "1 segment" if len(log.segments) == 1 else f"{len(log.segments)} segments"
        yield f"{self.title(log.name)}: offsets {log.start} to {log.end}, {many}, {size} bytes  (log {log.name})"
        yield from self._damaged("  ", log.damage)
        yield from (f"  remark: {remark}" for remark in log.remarks)
        shown = 0
        for at, segment in enumerate(log.segments):
            last = at == len(log.segments) - 1
            for line, is_batch in self._segment(log, segment, last):
                shown += is_batch
                if not is_batch or self._asked.most is None or shown <= self._asked.most:
                    yield line
        for note in log.notes:
            yield from self._note(note)

    def _segment(self, log: LogView, segment: SegmentView, last: bool) -> Iterator[tuple[str, bool]]:
        sealed = segment.summary is not None and segment.summary.sealed
        kind = "compacted" if segment.replacement else "sealed" if sealed else "growing" if last else "not yet sealed"
        where = f"offsets {segment.base} to {segment.end}, {segment.size} bytes, {kind}, index {segment.index}"
        yield f"  segment {segment.path.rpartition('/')[2]}: {where}", False
        yield from ((line, False) for line in self._damaged("    ", segment.damage))
        end, size, count, greatest = segment.base, 0, 0, -1
        for position, batch in walk(self._files, segment):
            if isinstance(batch, str):
                torn = last and not sealed
                if torn and self._runs:
                    yield f"    remark: {batch}; it is being written", False
                else:
                    mended = ["; the next start takes it off"] if torn else [""]
                    yield next(self._damaged("    ", [batch + mended[0]])), False
                break
            end, size, count = batch.next_offset, size + batch.length, count + 1
            greatest = max(greatest, batch.max_timestamp)
            if self._asked.batches and batch.next_offset > self._asked.first:
                yield f"    {in_words(batch, position)}", True
                if self._asked.records:
                    for line in records_in_words(batch, MEANING.get(self._topic(log.name))):
                        yield f"      {line}", True
        else:
            yield f"    {count} batches", False
            said = segment.summary
            if said is not None and said.sealed and (said.size, said.max_timestamp) != (size, greatest):
                wrong = (
                    f"the index says {said.size} bytes up to time {said.max_timestamp}, they are {size} and {greatest}"
                )
                yield next(self._damaged("    ", [wrong])), False
            if end > segment.end:
                wrong = f"the index says that the segment ends at {segment.end}, it ends at {end}"
                yield next(self._damaged("    ", [wrong])), False

    def _note(self, note: NoteView) -> Iterator[str]:
        if note.data is None:
            return
        yield f"  checkpoint {note.name} at {note.at}, {len(note.data)} bytes"
        state = checkpoint.decode(note.data, FOREVER_MS) if note.name == checkpoint.NAME else None
        if state is None:
            return
        epochs, producers, undecided = state
        yield "    epochs " + (", ".join(f"{epoch} from {start}" for epoch, start in epochs) or "none")
        for producer_id, producer in sorted(producers.table.items()):
            line = f"    producer {producer_id}, epoch {producer.epoch}"
            if producer.kept:
                newest = producer.kept[-1]
                line += f": last sequence {newest.last_sequence} at offset {newest.last_offset}"
            opened = undecided.open.get(producer_id)
            yield line + ("" if opened is None else f", in a transaction since {opened}")
        for aborted in undecided.aborted:
            yield f"    aborted: producer {aborted.producer_id}, offsets {aborted.first} to {aborted.last}"


def in_words(batch: Batch, position: int) -> str:
    """One line on a batch."""
    words = [
        f"batch {batch.base_offset}..{batch.last_offset} at {position}, {batch.length} bytes, {batch.count} records",
        codec_name(batch.compression),
        f"epoch {batch.leader_epoch}",
    ]
    if batch.producer_id >= 0:
        words.append(f"producer {batch.producer_id}/{batch.producer_epoch} sequence {batch.base_sequence}")
    words.append(f"{'append time' if batch.log_append_time else 'time'} {batch.max_timestamp}")
    flags = (("transactional", batch.is_transactional), ("control", batch.is_control))
    words += [word for word, is_set in flags if is_set]
    if batch.has_delete_horizon:
        words.append(f"tombstones until {batch.delete_horizon_ms}")
    return ", ".join(words)


def records_in_words(batch: Batch, types: Types | None) -> Iterator[str]:
    """A line for each record. What cannot be read is no damage of ours: the bytes are those that the producer sent."""
    try:
        for record in iterate(batch):
            if batch.is_control:
                kind = {COMMIT: "commit", ABORT: "abort"}.get(control_type(record), "control record")
                yield f"{record.offset}: {kind}"
            else:
                yield _record(record, types)
    except (MalformedMessage, UnsupportedCompression) as error:
        yield f"the records cannot be read: {error}"


def _record(record: Record, types: Types | None) -> str:
    key, value = shown(record.key), shown(record.value)
    if types is not None and record.key is not None:
        try:
            meaning = decode_key(record.key, types)
            if meaning is not None:
                key = repr(meaning)
                value = "null" if record.value is None else repr(decode_value(meaning, record.value))
        except MalformedMessage:
            pass  # then as bytes
    headers = "".join(f", header {name}={shown(content)}" for name, content in record.headers)
    return f"{record.offset}: time {record.timestamp}, key {key}, value {value}{headers}"


def shown(data: bytes | None) -> str:
    """Text as text, other bytes as hex; long ones in part."""
    if data is None:
        return "null"
    more = f" ... ({len(data)} bytes)" if len(data) > SHOWN_BYTES else ""
    part = data[:SHOWN_BYTES]
    text = part.decode("utf-8", "replace")
    return (f'"{text}"' if text.isprintable() and "\ufffd" not in text else "0x" + part.hex()) + more
