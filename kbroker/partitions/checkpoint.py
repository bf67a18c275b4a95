"""What a partition saves so that a restart reads only the tail of its log: leader epochs and producers. Pure.

A note is never needed for correctness: all of it can be found again in the headers of the log's batches, from its
start (but for what was deleted with the front). It is "true up to an offset", and the headers from there on are
replayed on top of it.

    int8 format | sections, each: int8 kind, int32 length, bytes

    1 epochs       per epoch: int32 epoch, int64 first offset
    2 producers    per producer: int64 id, int16 epoch, int64 last seen (ms), int8 count of batches,
                   per batch: int32 first sequence, int32 last sequence, int64 last offset, int32 offset delta,
                   int64 max timestamp

A section of an unknown kind is skipped: a later version may have more to say (transactions: who is open, what was
aborted). A note of another format, or one that does not parse, is no note.
"""

from __future__ import annotations

from struct import Struct, error

from .epochs import EpochTable
from .producers import NO_EPOCH, Entry, Producer, Producers

NAME = "partition"
FORMAT = 1
EPOCHS = 1
PRODUCERS = 2

_SECTION = Struct(">bi")
_EPOCH = Struct(">iq")
_PRODUCER = Struct(">qhqb")
_BATCH = Struct(">iiqiq")


def encode(at: int, epochs: EpochTable, producers: Producers) -> bytes:
    """The note for the offset `at`. Of what is under way it has nothing: pending batches, epochs that begin later."""
    sections = (
        (EPOCHS, b"".join(_EPOCH.pack(*entry) for entry in epochs if entry[1] <= at)),
        (PRODUCERS, b"".join(_encode_producer(key, value) for key, value in producers.table.items())),
    )
    return bytes((FORMAT,)) + b"".join(_SECTION.pack(kind, len(data)) + data for kind, data in sections)


def _encode_producer(producer_id: int, producer: Producer) -> bytes:
    if producer.epoch == NO_EPOCH:
        return b""
    head = _PRODUCER.pack(producer_id, producer.epoch, producer.seen_ms, len(producer.kept))
    return head + b"".join(_BATCH.pack(*entry.values()) for entry in producer.kept)


def decode(data: bytes, expiration_ms: int) -> tuple[EpochTable, Producers] | None:
    """What the note says; None when it cannot be read."""
    epochs, producers = EpochTable(), Producers(expiration_ms)
    if data[:1] != bytes((FORMAT,)):
        return None
    at = 1
    try:
        while at < len(data):
            kind, length = _SECTION.unpack_from(data, at)
            at += _SECTION.size + length
            if length < 0 or at > len(data):
                return None
            section = data[at - length : at]
            if kind == EPOCHS:
                epochs = EpochTable(_EPOCH.iter_unpack(section))
            elif kind == PRODUCERS:
                _decode_producers(section, producers)
    except error:
        return None
    return epochs, producers


def _decode_producers(section: bytes, producers: Producers) -> None:
    at = 0
    while at < len(section):
        producer_id, epoch, seen_ms, count = _PRODUCER.unpack_from(section, at)
        at += _PRODUCER.size
        entries = []
        for _ in range(count):
            entries.append(Entry(epoch, *_BATCH.unpack_from(section, at)))
            at += _BATCH.size
        producers.table[producer_id] = Producer(epoch, seen_ms, entries)
