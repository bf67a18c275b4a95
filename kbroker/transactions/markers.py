"""Markers on their way: the end of one transaction is told to every partition of it, until all of them have it.

What goes wrong is tried again: the decision is durable, so it must come true. A partition that is not there any more
needs no marker, and one where a later epoch or coordinator has been has got over this transaction. Partitions are
written side by side, each in its own time; the machine hears when the last marker stands, or, once, that it will take
longer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

from kbroker.machine import Marker
from kbroker.transactions.events import MarkersDelayed, MarkersWritten, WriteMarkers
from kbroker.transactions.transaction import Partition
from wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from kbroker.world import World

RETRY_S = 0.1

NEEDS_NONE = frozenset(
    (
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode.INVALID_PRODUCER_EPOCH,
        ErrorCode.TRANSACTION_COORDINATOR_FENCED,
    )
)


class Partitions(Protocol):
    """Where markers are written: the logs of partitions, whoever leads them."""

    def write_marker(
        self, topic: str, index: int, marker: Marker, raises_epochs: bool, told: Callable[[Exception | None], object]
    ) -> None:
        """`told` hears None once the marker is as durable as an acknowledged write, or what went wrong. Raises
        KafkaError if it is refused. It needs no future, which would cost a turn of the loop.
        """


class Delivery:
    """One order of a machine. `tell` takes its events, `is_wanted` says whether that machine still lives."""

    def __init__(
        self,
        order: WriteMarkers,
        coordinator_epoch: int,
        partitions: Partitions,
        world: World,
        tell: Callable[[object], None],
        is_wanted: Callable[[], bool],
    ) -> None:
        self._order = order
        self._marker = Marker(order.producer, order.committed, coordinator_epoch)
        self._partitions = partitions
        self._world = world
        self._tell = tell
        self._is_wanted = is_wanted
        self._missing = len(order.partitions)
        self._is_delayed = False

    def start(self) -> None:
        if not self._order.partitions:
            self._tell(MarkersWritten(self._order.transactional_id, self._order.attempt))
        for place in sorted(self._order.partitions):
            self._write(place)

    def _write(self, place: Partition) -> None:
        if not self._is_wanted():
            return
        try:
            told = partial(self._settled, place)
            self._partitions.write_marker(*place, self._marker, self._order.raises_epochs, told)
        except KafkaError as error:
            self._failed(place, error.code)

    def _settled(self, place: Partition, error: Exception | None) -> None:
        if error is None:
            self._stands()
        else:
            self._failed(place, error.code if isinstance(error, KafkaError) else ErrorCode.UNKNOWN_SERVER_ERROR)

    def _failed(self, place: Partition, code: ErrorCode) -> None:
        if code in NEEDS_NONE:
            self._stands()
            return
        if not self._is_delayed:
            self._is_delayed = True
            if self._is_wanted():
                self._tell(MarkersDelayed(self._order.transactional_id, self._order.attempt))
        self._world.later(RETRY_S, self._write, place)

    def _stands(self) -> None:
        self._missing -= 1
        if not self._missing and self._is_wanted():
            self._tell(MarkersWritten(self._order.transactional_id, self._order.attempt))
