"""Topics and records out of a recording of the wire (`trace/recording.py`), so that what was seen once can be served
again as a test's data. Pure.

A topic is what Metadata or CreateTopics said of it, with its number of partitions; its records are those that somebody
fetched, and those whose Produce was acknowledged, each by its offset: seen twice, it is there once. What stands before,
between and behind was not seen and is not there. Records of transactions that the recording saw aborted are left out,
and so are markers: what is left is what a reader of committed records would have been given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from kbroker.trace.exchange import Exchange
from wire.batch import Batch, batches
from wire.errors import ProtocolError
from wire.header import decode_request_header, decode_response_header, response_header_version
from wire.records import NEXT_OFFSET, Record, iterate
from wire.registry import APIS

PRODUCE, FETCH, METADATA, CREATE_TOPICS, END_TXN = 0, 1, 3, 19, 26
_READ = frozenset((PRODUCE, FETCH, METADATA, CREATE_TOPICS, END_TXN))

Place = tuple[str, int]


class Data(NamedTuple):
    """Topics with their numbers of partitions, and the records of each partition in the order of their offsets, which
    they have not any more: what was not seen leaves no gaps."""

    topics: dict[str, int]
    records: dict[Place, list[Record]]


class _Written(NamedTuple):
    """The records of a batch. `number` is that of the exchange."""

    records: list[Record]
    producer: tuple[int, int] | None
    number: int


def data_of(exchanges: Iterable[Exchange]) -> Data:
    """What the recording knows of topics that are not the broker's own."""
    gathering = _Gathering()
    for exchange in exchanges:
        message = _messages(exchange)
        if message is not None:
            gathering.add(*message, exchange.number)
    return gathering.done()


def _messages(exchange: Exchange) -> tuple[Any, Any] | None:
    """Request and response; None where they say nothing of topics, or cannot be read."""
    if not exchange.reply:
        return None
    try:
        key, version, _, _, at = decode_request_header(exchange.request)
        if key not in _READ:
            return None
        api = APIS[key]
        request, _ = api.request_class().decode_from(exchange.request, at, version)
        _, at = decode_response_header(exchange.reply, response_header_version(key, version))
        return request, api.response_class().decode(memoryview(exchange.reply)[at:], version)
    except ProtocolError:
        return None


class _Gathering:
    def __init__(self) -> None:
        self._partitions: dict[str, int] = {}
        self._names: dict[bytes, str] = {}
        self._batches: dict[tuple[str | bytes, int], dict[int, _Written]] = {}
        self._ends: dict[tuple[int, int], list[tuple[int, bool]]] = {}
        self._aborted: set[tuple[str | bytes, int, int]] = set()

    def add(self, request: Any, response: Any, number: int) -> None:
        key = request.__api_key__
        if key == PRODUCE:
            self._produced(request, response, number)
        elif key == FETCH:
            self._fetched(response, number)
        elif key == METADATA:
            for topic in response.topics:
                self._topic(topic.name, topic.topic_id, len(topic.partitions), topic.error_code)
        elif key == CREATE_TOPICS:
            asked = {topic.name: topic.num_partitions for topic in request.topics}
            for topic in response.topics:
                self._topic(topic.name, topic.topic_id, max(topic.num_partitions, asked[topic.name]), topic.error_code)
        elif key == END_TXN and not response.error_code:
            producer = request.producer_id, request.producer_epoch
            self._ends.setdefault(producer, []).append((number, request.committed))

    def _topic(self, name: str | None, topic_id: bytes, partitions: int, error_code: int) -> None:
        if name and not error_code:
            self._partitions[name] = max(partitions, self._partitions.get(name, 1))
            self._names[topic_id] = name

    def _produced(self, request: Any, response: Any, number: int) -> None:
        placed = {
            (_name(topic), each.index): each.base_offset
            for topic in response.responses
            for each in topic.partition_responses
            if not each.error_code
        }
        for topic in request.topic_data:
            for each in topic.partition_data:
                place = _name(topic), each.index
                base = placed.get(place, -1)
                if base < 0:
                    continue
                for batch in _batches(each.records):
                    self._keep(place, batch, base - batch.base_offset, number)

    def _fetched(self, response: Any, number: int) -> None:
        for topic in response.responses:
            for each in topic.partitions:
                place = _name(topic), each.partition_index
                for batch in _batches(each.records):
                    self._keep(place, batch, 0, number)
                for aborted in each.aborted_transactions or ():
                    self._aborted.add((*place, aborted.producer_id))

    def _keep(self, place: tuple[str | bytes, int], batch: Batch, shift: int, number: int) -> None:
        """`shift` leads from the offsets in the batch to those in the log."""
        if batch.is_control:
            return
        try:
            records = [record._replace(offset=record.offset + shift) for record in iterate(batch)]
        except ProtocolError:
            return
        producer = (batch.producer_id, batch.producer_epoch) if batch.is_transactional else None
        if records:
            kept = self._batches.setdefault(place, {})
            kept.setdefault(records[0].offset, _Written(records, producer, number))

    def done(self) -> Data:
        records: dict[Place, list[Record]] = {}
        for (topic, index), written in self._batches.items():
            name = topic if isinstance(topic, str) else self._names.get(topic)
            if name is None or name.startswith("__"):
                continue
            self._partitions[name] = max(self._partitions.get(name, 1), index + 1)
            found = {record.offset: record for one in written.values() if self._stands((topic, index), one)
                     for record in one.records}  # fmt: skip
            in_order = [found[offset]._replace(offset=NEXT_OFFSET) for offset in sorted(found)]
            records.setdefault((name, index), []).extend(in_order)
        topics = {name: count for name, count in self._partitions.items() if not name.startswith("__")}
        return Data(topics, {place: kept for place, kept in records.items() if kept})

    def _stands(self, place: tuple[str | bytes, int], written: _Written) -> bool:
        """Whether nothing was seen that took it back."""
        if written.producer is None:
            return True
        for number, committed in self._ends.get(written.producer, ()):
            if number > written.number:
                return committed
        return (*place, written.producer[0]) not in self._aborted


def _name(topic: Any) -> str | bytes:
    """Its name; where a version has none, its id."""
    name = getattr(topic, "name", "") or getattr(topic, "topic", "")
    return str(name) if name else bytes(topic.topic_id)


def _batches(blob: Any) -> Iterator[Batch]:
    """Up to one that was cut off."""
    try:
        yield from batches(blob or b"")
    except ProtocolError:
        return
