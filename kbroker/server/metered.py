"""A dispatcher that counts. It takes the plain one's place when metrics are on, so that they cost nothing when they
are off.

For each answer: its time, its bytes, the error codes in it, and for Produce and Fetch what went through each topic.
Nothing is looked at below a batch's header.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from kbroker.metrics import Metrics
from kbroker.server.dispatch import FETCH, PRODUCE, Call, Dispatcher, Refused
from kbroker.server.errors import is_error_code
from wire.batch import batches
from wire.errors import MalformedMessage
from wire.primitives import Buffer
from wire.schema import Struct

if TYPE_CHECKING:
    from kbroker.context import Cluster
    from kbroker.server.connection import Connection
    from wire.frame import Frame

Reader = Callable[[Any, list[int]], None]
BY_ID = 13
"""From this version on Produce and Fetch give topics by their ids."""


class Metered(Dispatcher):
    """See Dispatcher; `metrics` is where it counts."""

    def __init__(self, cluster: Cluster, metrics: Metrics) -> None:
        super().__init__(cluster)
        self.metrics = metrics
        self.make_call = self.calls_of(Call)

    def calls_of(self, call_class: type[Call]) -> Callable[..., Call]:
        counted = type(f"Counted{call_class.__name__}", (Counting, call_class), {})
        return partial(counted, self.metrics)

    def start(self, connection: Connection, frame: Frame, arrived_at: float) -> Call:
        try:
            return super().start(connection, frame, arrived_at)
        except Refused:
            self.metrics.refused += 1
            raise


class Counting(Call):
    """Mixed into a kind of Call, which is counted when its answer is ready. It has no slots of its own, or it could be
    mixed into none that has some. The loop's own time would be too coarse for it.
    """

    def __init__(self, metrics: Metrics, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.metrics = metrics
        self.begun = perf_counter()
        self.bytes_in = len(self.frame)

    def encoded(self, response: Any) -> list[Buffer]:
        parts = super().encoded(response)
        codes: list[int] = []
        error_reader(self.entry.response_class)(response, codes)
        errors, key = self.metrics.errors, self.api_key
        for code in codes:
            errors[key, code] += 1
        if key == PRODUCE:
            self._produced(response)
        elif key == FETCH:
            self._fetched(response)
        self._count(sum(map(len, parts)))
        return parts

    def answer(self, response: Any) -> None:
        if response is None:  # acks=0: nothing is encoded
            self._count(0)
        super().answer(response)

    def _count(self, bytes_out: int) -> None:
        self.metrics.apis[self.api_key, self.version].add(perf_counter() - self.begun, self.bytes_in, bytes_out)

    def _produced(self, response: Any) -> None:
        by_id = self.version >= BY_ID
        for asked, answered in zip(self.request.topic_data, response.responses, strict=False):
            counts = self.metrics.topics[self._name(asked.topic_id) if by_id else asked.name]
            for partition, result in zip(asked.partition_data, answered.partition_responses, strict=False):
                counts.produces += 1
                if result.error_code:
                    counts.failed_produces += 1
                elif partition.records is not None:
                    counts.bytes_in += len(partition.records)
                    counts.records_in += records_in(partition.records)

    def _fetched(self, response: Any) -> None:
        by_id = self.version >= BY_ID
        for topic in response.responses:
            counts = self.metrics.topics[self._name(topic.topic_id) if by_id else topic.topic]
            for partition in topic.partitions:
                counts.fetches += 1
                if partition.error_code:
                    counts.failed_fetches += 1
                elif partition.records is not None:
                    counts.bytes_out += _size(partition.records)

    def _name(self, topic_id: bytes) -> str:
        topic = self.cluster.catalog.topic_by_id(topic_id)
        return "" if topic is None else topic.name


def records_in(blob: Any) -> int:
    """How many records the headers of these batches promise."""
    try:
        return sum(batch.count for batch in batches(blob))
    except MalformedMessage:
        return 0


def _size(records: Any) -> int:
    return len(records) if isinstance(records, bytes | bytearray | memoryview) else sum(map(len, records))


@cache
def error_reader(struct: type[Struct]) -> Reader:
    """What collects every error code of such a response, made once from its definition."""
    own = [field.name for field in struct.__fields__ if is_error_code(field)]
    inner = [
        (field.name, error_reader(field.element.struct))
        for field in struct.__fields__
        if field.kind == "array" and field.element is not None and field.element.struct is not None
    ]

    def read(value: Any, codes: list[int]) -> None:
        codes += [getattr(value, name) for name in own]
        for name, each in inner:
            for item in getattr(value, name) or ():
                each(item, codes)

    return read
