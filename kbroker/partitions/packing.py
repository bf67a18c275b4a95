"""Batches that are to be packed anew (`compression.type` other than producer): beside the loop where that takes long.

    pack -> [world.aside: unpack, compress] -> then(packed) -> Partition.stage

Compressing a megabyte takes 2 to 30 ms, in which nobody else would be served. What is large is packed by another
thread, and everything that comes for the partition meanwhile waits behind it, so batches are staged in the order in
which they came. Nothing is decided here: `stage` checks the batch as it came, and takes what was packed or, where that
has failed, packs again and says why it cannot.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from storage.engine import Buffer
from wire.batch import Batch

from .rewrite import recompress
from .validate import Rules, the_batch

if TYPE_CHECKING:
    from kbroker.world import World

    from .partition import Partition

ASIDE_BYTES = 8192
"""Less is packed as fast as it is handed over."""

Then = Callable[[Batch | None], object]


def pack(partition: Partition, records: Buffer | None, then: Then) -> None:
    """Call `then` when it is the batch's turn to be staged, with the batch as it is to be stored; with None where
    `stage` has to see to that. At once if nothing is under way and it is soon done."""
    if partition.packing is None:
        partition.packing = Packing(partition.world)
    partition.packing.pack(records, partition.rules, then)


class Job:
    """A batch in the queue."""

    __slots__ = ("is_done", "packed", "then")

    def __init__(self, then: Then) -> None:
        self.then = then
        self.packed: Batch | None = None
        self.is_done = False


class Packing:
    """Those of one partition, in their order."""

    __slots__ = ("_queue", "_world")

    def __init__(self, world: World) -> None:
        self._world = world
        self._queue: deque[Job] = deque()

    def pack(self, records: Buffer | None, rules: Rules, then: Then) -> None:
        """See the function."""
        is_large = records is not None and len(records) >= ASIDE_BYTES
        if not is_large and not self._queue:
            then(None)
            return
        job = Job(then)
        self._queue.append(job)
        if is_large:
            self._world.aside(partial(packed, records, rules)).add_done_callback(partial(self._packed, job))
        else:
            job.is_done = True

    def _packed(self, job: Job, done: asyncio.Future[Batch | None]) -> None:
        if not done.cancelled() and done.exception() is None:
            job.packed = done.result()
        job.is_done = True
        queue = self._queue
        while queue and queue[0].is_done:
            first = queue.popleft()
            first.then(first.packed)


def packed(records: Buffer | None, rules: Rules) -> Batch | None:
    """The batch as it is to be stored, None if that is how it came; whatever is wrong with it is an exception. For any
    thread."""
    batch = the_batch(records)
    if rules.codec is None or batch.compression == rules.codec:
        return None
    return recompress(batch, rules.codec, rules)
