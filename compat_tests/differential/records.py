"""Bytes inside of requests and answers, as something one can read.

In a request, where Kafka's JSON form wants base64:

    "records": ["a", "b"]                                       one batch of two records, created at $time
    "records": {"values": ["a", {"key": "k", "value": null, "timestamp": "$time+5", "headers": [["h", "x"]]}],
                "producer": ["$pid", 0, 7], "transactional": true, "compression": 4,
                "header": {"magic": 1}}                         its producer id, epoch and first sequence; and fields of
                                                                the header that are changed afterwards; the CRC is made
                                                                to fit, unless it is among them
    "records": [{...}, {...}]                                   several batches
    "metadata": {"text": "abc"}, {"subscription": {...}}, {"assignment": {...}}     blobs, the latter in version 1

In an answer records look the same, but for what has its default; `control` says what a marker is. Other bytes are text
where they are printable.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from typing import Any

from wire import jsonform
from wire.batch import HEADER, Batch, batches, write_crc
from wire.durable.assignment import ConsumerProtocolAssignment, ConsumerProtocolSubscription
from wire.durable.codec import decode_blob, encode_value
from wire.records import Record, build_batch, control_type, iterate

MARKERS = {0: "ABORT", 1: "COMMIT"}
_HEADER = [
    "base_offset", "length", "leader_epoch", "magic", "crc", "attributes", "last_offset_delta", "base_timestamp",
    "max_timestamp", "producer_id", "producer_epoch", "base_sequence", "count",
]  # fmt: skip
_BLOBS = {"subscription": ConsumerProtocolSubscription, "assignment": ConsumerProtocolAssignment}


def encode(tree: Any, time_ms: int, inside: str = "") -> Any:
    """A request's tree with all that is readable here turned into base64."""
    if inside == "records" and isinstance(tree, (list, dict)):
        return _text(_records(tree, time_ms))
    if isinstance(tree, list):
        return [encode(item, time_ms) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if set(tree) == {"text"}:
        return _text(tree["text"].encode())
    if len(tree) == 1 and (name := next(iter(tree))) in _BLOBS and isinstance(tree[name], dict):
        return _text(encode_value(jsonform.from_json(_BLOBS[name], tree[name], 1), 1))
    return {name: encode(item, time_ms, name) for name, item in tree.items()}


def _records(spoken: Any, time_ms: int) -> bytes:
    if isinstance(spoken, dict):
        return _batch(spoken, time_ms)
    if spoken and isinstance(spoken[0], dict) and "values" in spoken[0]:
        return b"".join(_batch(each, time_ms) for each in spoken)
    return _batch({"values": spoken}, time_ms)


def _batch(spoken: dict[str, Any], time_ms: int) -> bytes:
    producer = spoken.get("producer", [-1, -1, -1])
    batch = build_batch(
        [_record(value, time_ms) for value in spoken["values"]],
        compression=spoken.get("compression", 0),
        producer_id=producer[0],
        producer_epoch=producer[1],
        base_sequence=producer[2],
        transactional=spoken.get("transactional", False),
        control=spoken.get("control", False),
        base_offset=spoken.get("baseOffset", 0),
        log_append_time=spoken.get("logAppendTime", False),
    )
    if changes := spoken.get("header"):
        fields = dict(zip(_HEADER, HEADER.unpack_from(batch), strict=True))
        fields |= {_snake(name): value for name, value in changes.items()}
        HEADER.pack_into(batch, 0, *fields.values())
        if "crc" not in changes:
            write_crc(batch)
    return bytes(batch)


def _record(spoken: Any, time_ms: int) -> Record:
    if not isinstance(spoken, dict):
        spoken = {"value": spoken}
    key, value = spoken.get("key"), spoken.get("value")
    headers = [(name, text.encode()) for name, text in spoken.get("headers", [])]
    return Record(
        None if key is None else key.encode(),
        None if value is None else value.encode(),
        headers,
        spoken.get("timestamp", time_ms),
    )


def decode_records(text: str | None, name: Callable[[str, Any], Any]) -> Any:
    """The batches of an answer's records. `name` gives a value what it is called in this run: names.py."""
    if text is None:
        return None
    return [_shown(batch, name) for batch in batches(a2b_base64(text))]


def _shown(batch: Batch, name: Callable[[str, Any], Any]) -> dict[str, Any]:
    out: dict[str, Any] = {"baseOffset": batch.base_offset}
    if batch.producer_id != -1:
        out["producer"] = [name("producerId", batch.producer_id), batch.producer_epoch, batch.base_sequence]
    if batch.is_transactional:
        out["transactional"] = True
    if batch.compression:
        out["compression"] = batch.compression
    if batch.log_append_time:
        out["logAppendTime"] = True
    if batch.leader_epoch:
        out["leaderEpoch"] = batch.leader_epoch
    records = list(iterate(batch))
    if batch.is_control:
        return out | {"control": [MARKERS.get(control_type(record), control_type(record)) for record in records]}
    if batch.last_offset_delta != len(records) - 1:
        out["lastOffset"] = batch.last_offset
    return out | {"values": [_shown_record(record) for record in records]}


def _shown_record(record: Record) -> Any:
    value = None if record.value is None else record.value.decode("utf-8", "replace")
    if record.key is None and not record.headers:
        return value
    out: dict[str, Any] = {"key": None if record.key is None else record.key.decode("utf-8", "replace"), "value": value}
    if record.headers:
        out["headers"] = [[name, None if text is None else text.decode()] for name, text in record.headers]
    return out


def decode_blob_text(text: str) -> Any:
    """A blob of an answer: a subscription, an assignment or words where it is one, else its base64."""
    data = a2b_base64(text)
    if not data:
        return ""
    if data[:2] in (b"\0\0", b"\0\1", b"\0\2", b"\0\3"):
        for name, cls in _BLOBS.items():
            try:
                made = decode_blob(cls, data)
                if encode_value(made, data[1]) == data:
                    return {name: jsonform.to_json(made, data[1])}
            except Exception:
                continue
    return {"text": data.decode("ascii")} if all(32 <= byte < 127 for byte in data) else text


def _text(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode()


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
