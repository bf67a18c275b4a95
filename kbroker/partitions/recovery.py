"""Opening a partition: the last note, then the headers behind it, and what the markers among them say. The same after a
start and after a failed write.

A note that lies past the end is not believed (the engine drops what a cut made false). Without one everything is read
from the log's start; what was deleted with the front is forgotten then, as it would be in Kafka.
"""

from __future__ import annotations

from storage.engine import Engine, Read
from wire.batch import Batch, batches

from . import checkpoint
from .epochs import EpochTable
from .producers import Producers
from .undecided import Undecided

READ_BYTES = 1 << 20


class Recovered:
    """What is known so far: all that is true up to `replayed`. `size` and `batches` lie behind the note."""

    __slots__ = ("batches", "end", "epochs", "noted", "producers", "replayed", "size", "start", "undecided")

    def __init__(
        self, start: int, end: int, noted: int, epochs: EpochTable, producers: Producers, undecided: Undecided
    ) -> None:
        self.start = start
        self.end = end
        self.noted = noted
        self.epochs = epochs
        self.producers = producers
        self.undecided = undecided
        self.replayed = max(start, noted)
        self.size = 0
        self.batches = 0


def recover(engine: Engine, log: str, expiration_ms: int) -> Recovered:
    """The state by the newest note that can be read."""
    bounds = engine.bounds(log)
    for note in engine.checkpoints(log, checkpoint.NAME):
        if note.at <= bounds.end and (state := checkpoint.decode(note.data, expiration_ms)) is not None:
            return Recovered(bounds.start, bounds.end, note.at, *state)
    return Recovered(bounds.start, bounds.end, 0, EpochTable(), Producers(expiration_ms), Undecided())


async def tail(engine: Engine, log: str, state: Recovered, now_ms: int) -> None:
    """Replay the headers up to the end."""
    while state.replayed < state.end:
        chunk = (await engine.read([Read(log, state.replayed, READ_BYTES, state.end)]))[0]
        if chunk.error is not None:
            raise chunk.error
        if not chunk.buffers:
            break  # the last batches were compacted away
        for buffer in chunk.buffers:
            for batch in batches(buffer):
                _replay(state, batch, now_ms)
        state.replayed = chunk.next_offset


def _replay(state: Recovered, batch: Batch, now_ms: int) -> None:
    if batch.leader_epoch > state.epochs.latest():
        state.epochs.assign(batch.leader_epoch, batch.base_offset)
    if batch.producer_id >= 0:
        state.producers.replay(batch, now_ms)
        if batch.is_transactional:
            ended = state.undecided.follow(batch, batch.base_offset)
            if ended is not None:
                state.producers.marked(batch.producer_id, ended.coordinator_epoch)
    state.size += batch.length
    state.batches += 1
