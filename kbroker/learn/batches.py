"""What a record batch says of itself and is not so: read off the notes of its bytes.

The broker refuses most of this with CORRUPT_MESSAGE or INVALID_RECORD, which say neither which field it is nor what it
should be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kbroker.learn import rules
from kbroker.learn.shapes import Mistake
from wire.compression import ZSTD
from wire.explain import Note

_PLACE = re.compile(r"(.*batch\[\d+\])\.(.+)")
_RECORD = re.compile(r"records\[(\d+)\]\.(offset_delta|length)")
NONE = -1
CODEC_BITS = 0b111


def mistakes(notes: list[Note]) -> list[Mistake]:
    """Of all batches in a Produce."""
    of: dict[str, dict[str, Note]] = {}
    for note in notes:
        if found := _PLACE.fullmatch(note.path):
            of.setdefault(found[1], {}).setdefault(found[2], note)
    return [mistake for fields in of.values() if "count" in fields for mistake in _of_batch(fields)]


def _of_batch(fields: dict[str, Note]) -> Iterator[Mistake]:
    crc = fields["crc"]
    if crc.meaning.startswith("wrong"):
        summed = int(crc.meaning.rpartition(" ")[2])
        yield _mistake(crc, f"{summed:08x}, the sum of all bytes from the attributes on")
    codec = fields["attributes"].value & CODEC_BITS
    if codec > ZSTD:
        yield _mistake(fields["attributes"], f"a codec from 0 (none) to {ZSTD} (zstd) in the lowest bits, not {codec}")
    count, last = fields["count"], fields["last_offset_delta"]
    if last.value != count.value - 1:
        words = f"{count.value - 1}: the offset delta of the last of {count.value} records, counted from 0"
        yield _mistake(last, words)
    if fields["base_offset"].value != 0:
        yield _mistake(fields["base_offset"], "0: the broker gives out offsets, and writes them here")
    producer, epoch, sequence = (fields[name] for name in ("producer_id", "producer_epoch", "base_sequence"))
    if producer.value == NONE and sequence.value != NONE:
        yield _mistake(sequence, "-1, where there is no producer id")
    elif producer.value != NONE and sequence.value == NONE:
        yield _mistake(sequence, "a sequence number, where there is a producer id")
    elif producer.value != NONE and epoch.value == NONE:
        yield _mistake(epoch, "the epoch that InitProducerId gave")
    if fields["max_timestamp"].value < fields["base_timestamp"].value:
        yield _mistake(fields["max_timestamp"], "the largest timestamp, not less than the first")
    for path, note in fields.items():
        found = _RECORD.fullmatch(path)
        if found and found[2] == "offset_delta" and note.value != int(found[1]):
            words = f"{int(found[1])}: records of a new batch count up from 0 (as a varint {2 * int(found[1]):02x})"
            yield Mistake(note.offset, note.path, note.raw.hex(" "), words, rules.RECORD)


def _mistake(note: Note, expected: str) -> Mistake:
    rule = rules.HEAD.get(note.path.rpartition(".")[2], rules.BATCH)
    return Mistake(note.offset, note.path, note.raw.hex(" "), expected, rule)
