"""What a partition saves so that a restart reads only the tail of its log: epochs, producers, transactions. Pure.

A note is never needed for correctness: all of it can be found again in the headers of the log's batches, from its
start (but for what was deleted with the front). It is "true up to an offset", and the headers from there on are
replayed on top of it.

    int8 format | sections, each: int8 kind, int32 length, bytes

    1 epochs       per epoch: int32 epoch, int64 first offset
    2 producers    per producer: int64 id, int16 epoch, int64 last seen (ms), int8 count of batches,
                   per batch: int32 first sequence, int32 last sequence, int64 last offset, int32 offset delta,
                   int64 max timestamp
    3 marked       per producer: int64 id, int32 coordinator epoch of its last marker, int64 timestamp of its last batch
    4 open         per open transaction: int64 producer id, int64 first offset
    5 aborted      per aborted transaction: int64 producer id, first, last and first undecided offset

A section of an unknown kind is skipped: a later version may have more to say. A note of another format, or one that
does not parse, is no note.
"""

from __future__ import annotations

from struct import Struct, error

from .epochs import EpochTable
from .producers import NO_EPOCH, Entry, Producer, Producers
from .undecided import Aborted, Undecided

NAME = "partition"
FORMAT = 1
EPOCHS = 1
PRODUCERS = 2
MARKED = 3
OPEN = 4
ABORTED = 5

_SECTION = Struct(">bi")
_EPOCH = Struct(">iq")
_PRODUCER = Struct(">qhqb")
_BATCH = Struct(">iiqiq")
_MARKED = Struct(">qiq")
_OPEN = Struct(">qq")
_ABORTED = Struct(">qqqq")

State = tuple[EpochTable, Producers, Undecided]


def encode(at: int, epochs: EpochTable, producers: Producers, undecided: Undecided) -> bytes:
    """The note for the offset `at`. Of what is under way it has nothing: pending batches, epochs that begin later."""
    opened, aborted = undecided.at(at)
    known = [(key, value) for key, value in producers.table.items() if value.epoch != NO_EPOCH]
    sections = (
        (EPOCHS, b"".join(_EPOCH.pack(*entry) for entry in epochs if entry[1] <= at)),
        (PRODUCERS, b"".join(_encode_producer(key, value) for key, value in known)),
        (MARKED, b"".join(_MARKED.pack(key, value.coordinator_epoch, value.timestamp) for key, value in known)),
        (OPEN, b"".join(_OPEN.pack(*each) for each in opened)),
        (ABORTED, b"".join(_ABORTED.pack(*each) for each in aborted)),
    )
    return bytes((FORMAT,)) + b"".join(_SECTION.pack(kind, len(data)) + data for kind, data in sections)


def _encode_producer(producer_id: int, producer: Producer) -> bytes:
    head = _PRODUCER.pack(producer_id, producer.epoch, producer.seen_ms, len(producer.kept))
    return head + b"".join(_BATCH.pack(*entry.values()) for entry in producer.kept)


def decode(data: bytes, expiration_ms: int) -> State | None:
    """What the note says; None when it cannot be read."""
    epochs, producers, undecided = EpochTable(), Producers(expiration_ms), Undecided()
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
            elif kind == MARKED:
                for producer_id, coordinator_epoch, timestamp in _MARKED.iter_unpack(section):
                    producer = producers.table[producer_id]
                    producer.coordinator_epoch, producer.timestamp = coordinator_epoch, timestamp
            elif kind == OPEN:
                undecided = Undecided(_OPEN.iter_unpack(section))
                for producer_id in undecided.open:
                    producers.table[producer_id].in_transaction = True
            elif kind == ABORTED:
                undecided.aborted = [Aborted(*each) for each in _ABORTED.iter_unpack(section)]
    except (error, KeyError):
        return None
    return epochs, producers, undecided


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
