"""A record, and the batch around it, as the JSON that people look at.

A record is the object that `kbroker consume --json` prints (`records/lines.py`); records of brokers' own topics are
what they mean. A long key, value or header is cut where only a glance was asked for: then "cut" has its size in bytes,
and `GET /records/one` has the whole.
"""

from __future__ import annotations

from typing import Any

from kbroker.records.lines import to_json
from kbroker.records.read import Read
from wire.batch import Batch
from wire.compression import NAMES
from wire.errors import MalformedMessage
from wire.records import ABORT, COMMIT, control_type, iterate

MOST_HEADERS = 50

CONTROL_TYPES = {ABORT: "abort", COMMIT: "commit"}


def shown_record(read: Read, preview: int | None = None) -> dict[str, Any]:
    """The record; of each of its parts `preview` bytes at most."""
    if preview is None:
        return to_json(read)
    cut: dict[str, int] = {}
    key, value = _part("key", read.key, preview, cut), _part("value", read.value, preview, cut)
    headers = [(name, _part(f"header.{name}", content, preview, cut)) for name, content in read.headers[:MOST_HEADERS]]
    if len(read.headers) > MOST_HEADERS:
        cut["headers"] = len(read.headers)
    if cut and read.topic.startswith("__"):
        return to_json(read) | {"cut": {}}
    told = to_json(read._replace(key=key, value=value, headers=headers))
    return told | {"cut": cut} if cut else told


def _part(name: str, content: bytes | None, preview: int, cut: dict[str, int]) -> bytes | None:
    if content is None or len(content) <= preview:
        return content
    cut[name] = len(content)
    at = preview
    while at > preview - 4 and content[at] & 0xC0 == 0x80:  # not in the middle of a character
        at -= 1
    return content[:at]


def shown_control(topic: str, index: int, batch: Batch) -> dict[str, Any]:
    """A control batch in the place of a record: what it says."""
    read = Read(topic, index, batch.base_offset, batch.max_timestamp, None, None, ())
    return to_json(read) | {"control": control_of(batch)}


def control_of(batch: Batch) -> dict[str, Any]:
    """The marker or other control record in a control batch."""
    try:
        record = next(iterate(batch))
        kind = control_type(record)
    except (MalformedMessage, StopIteration):
        return {"type": "unreadable"}
    said: dict[str, Any] = {"type": CONTROL_TYPES.get(kind, f"type {kind}"), "producerId": batch.producer_id}
    if kind in CONTROL_TYPES and record.value is not None and len(record.value) >= 6:
        said["coordinatorEpoch"] = int.from_bytes(record.value[2:6], "big", signed=True)
    return said


def shown_trouble(topic: str, index: int, batch: Batch, why: str) -> dict[str, Any]:
    """A batch whose records cannot be read: the bytes are those that its producer sent."""
    read = Read(topic, index, batch.base_offset, batch.max_timestamp, None, None, ())
    return to_json(read) | {"unreadable": why}


def shown_batch(batch: Batch, outcome: str) -> dict[str, Any]:
    """The fields of a batch's header, with names, and what they mean. `outcome` is what became of its transaction."""
    codec = batch.compression
    return {
        "baseOffset": batch.base_offset,
        "lastOffset": batch.last_offset,
        "records": batch.count,
        "bytes": batch.length,
        "leaderEpoch": batch.leader_epoch,
        "magic": batch.magic,
        "crc": f"0x{batch.crc:08x}",
        "attributes": f"0x{batch.attributes:04x}",
        "codec": NAMES[codec] if codec < len(NAMES) else f"codec {codec}",
        "timestampType": "LogAppendTime" if batch.log_append_time else "CreateTime",
        "baseTimestamp": batch.base_timestamp,
        "maxTimestamp": batch.max_timestamp,
        "producerId": batch.producer_id,
        "producerEpoch": batch.producer_epoch,
        "baseSequence": batch.base_sequence,
        "lastSequence": batch.last_sequence,
        "transactional": batch.is_transactional,
        "transaction": outcome,
        "control": control_of(batch) if batch.is_control else None,
        "deleteHorizonMs": batch.delete_horizon_ms,
    }
