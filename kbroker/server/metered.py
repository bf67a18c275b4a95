"""A dispatcher that counts. It takes the plain one's place when metrics are on, so that they cost nothing when they
are off.

For each answer: its time, its bytes, the error codes in it, and for Produce and Fetch what went through each topic.
Nothing is looked at below a batch's header, and nothing is made for a request that is not made without metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from operator import attrgetter
from struct import Struct as Unpack
from typing import TYPE_CHECKING, Any

from kbroker.metrics import Metrics
from kbroker.server.dispatch import FETCH, PRODUCE, Call, Dispatcher
from kbroker.server.errors import is_error_code
from wire.primitives import Buffer
from wire.schema import Struct

if TYPE_CHECKING:
    from kbroker.context import Cluster

Reader = Callable[[Any, list[int]], None]
BY_ID = 13
"""From this version on Produce and Fetch give topics by their ids."""

_LENGTH_AND_COUNT = Unpack(">8xi45xi")  # of a batch: the bytes after this field, and the records
_LENGTH_PREFIX, _BATCH_BYTES = 12, 61


class Metered(Dispatcher):
    """See Dispatcher; `metrics` is where it counts."""

    measures = True

    def __init__(self, cluster: Cluster, metrics: Metrics) -> None:
        super().__init__(cluster)
        self.metrics = metrics
        self.make_call = self.calls_of(Call)

    def calls_of(self, call_class: type[Call]) -> Callable[..., Call]:
        known = {"__slots__": (), "metrics": self.metrics, "clock": staticmethod(self.cluster.world.work_time)}
        return type(f"Counted{call_class.__name__}", (Counting, call_class), known)

    def refused(self) -> None:
        self.metrics.refused += 1


class Counting(Call):
    """Mixed into a kind of Call, which is counted when its answer is ready. It has no slots of its own, or it could be
    mixed into none that has some, and makes nothing of its own: all that it needs belongs to the class.
    """

    __slots__ = ()
    metrics: Metrics
    clock: Callable[[], float]

    def encoded(self, response: Any) -> list[Buffer]:
        parts = super().encoded(response)
        key = self.api_key
        if key == PRODUCE:
            fine = self._produced(response)
        elif key == FETCH:
            fine = self._fetched(response)
        else:
            codes: list[int] = []
            error_reader(self.entry.response_class)(response, codes)
            fine = len(codes)
            if any(codes):
                fine = codes.count(0)
                for code in filter(None, codes):
                    self.metrics.errors[key, code] += 1
        self._count(fine, len(parts[0]) if len(parts) == 1 else sum(map(len, parts)))
        return parts

    def answer(self, response: Any) -> None:
        if response is None:  # acks=0: nothing is encoded
            self._count(0, 0)
        super().answer(response)

    def _count(self, fine: int, bytes_out: int) -> None:
        metrics, key = self.metrics, self.api_key
        if fine:
            metrics.errors[key, 0] += fine
        metrics.apis[key, self.version].add(self.clock() - self.began_s, len(self.frame), bytes_out)

    def _produced(self, response: Any) -> int:
        """How many partitions have taken it."""
        by_id, errors, fine = self.version >= BY_ID, self.metrics.errors, 0
        for asked, answered in zip(self.request.topic_data, response.responses, strict=False):
            counts = self.metrics.topics[self._name(asked.topic_id) if by_id else asked.name]
            for partition, result in zip(asked.partition_data, answered.partition_responses, strict=False):
                counts.produces += 1
                if code := result.error_code:
                    counts.failed_produces += 1
                    errors[PRODUCE, code] += 1
                    continue
                fine += 1
                records = partition.records
                if records is not None:
                    counts.bytes_in += len(records)
                    counts.records_in += records_in(records)
        return fine

    def _fetched(self, response: Any) -> int:
        """How many places tell of no error: the partitions', and that of the whole."""
        by_id, errors, fine = self.version >= BY_ID, self.metrics.errors, 1
        if code := response.error_code:
            errors[FETCH, code] += 1
            fine = 0
        for topic in response.responses:
            counts = self.metrics.topics[self._name(topic.topic_id) if by_id else topic.topic]
            for partition in topic.partitions:
                counts.fetches += 1
                if code := partition.error_code:
                    counts.failed_fetches += 1
                    errors[FETCH, code] += 1
                    continue
                fine += 1
                if records := partition.records:
                    counts.bytes_out += _size(records)
        return fine

    def _name(self, topic_id: bytes) -> str:
        topic = self.cluster.catalog.topic_by_id(topic_id)
        return "" if topic is None else topic.name


def records_in(blob: Any) -> int:
    """How many records the headers of these batches promise. They have been accepted: nothing is looked at twice."""
    total, at, end = 0, 0, len(blob) - _BATCH_BYTES
    while at <= end:
        length, count = _LENGTH_AND_COUNT.unpack_from(blob, at)
        total += count
        at += max(_BATCH_BYTES, length + _LENGTH_PREFIX)
    return total


def _size(records: Any) -> int:
    return len(records) if isinstance(records, bytes | bytearray | memoryview) else sum(map(len, records))


@cache
def error_reader(struct: type[Struct]) -> Reader:
    """What collects every error code of such a response, made once from its definition. Arrays without any are not
    looked at, and those of which each item has one, and nothing else, in one step."""
    own = [field.name for field in struct.__fields__ if is_error_code(field)]
    leaves: list[tuple[str, Callable[[Any], int]]] = []
    branches: list[tuple[str, Reader]] = []
    for name, element in _arrays(struct):
        if _holds_error(element):
            codes_of = [field.name for field in element.__fields__ if is_error_code(field)]
            if len(codes_of) == 1 and not any(_holds_error(inner) for _, inner in _arrays(element)):
                leaves.append((name, attrgetter(codes_of[0])))
            else:
                branches.append((name, error_reader(element)))

    def read(value: Any, codes: list[int]) -> None:
        codes += [getattr(value, name) for name in own]
        for name, code_of in leaves:
            codes += map(code_of, getattr(value, name) or ())
        for name, each in branches:
            for item in getattr(value, name) or ():
                each(item, codes)

    return read


def _arrays(struct: type[Struct]) -> Iterator[tuple[str, type[Struct]]]:
    for field in struct.__fields__:
        if field.kind == "array" and field.element is not None and field.element.struct is not None:
            yield field.name, field.element.struct


def _holds_error(struct: type[Struct]) -> bool:
    return any(map(is_error_code, struct.__fields__)) or any(_holds_error(inner) for _, inner in _arrays(struct))
