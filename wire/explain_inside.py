"""explain.py, further in: record batches and their records, and messages that travel inside bytes fields.

Batches are read here byte by byte, once more and on their own, as explain.py does with messages: batch.py and
records.py are held against it. Nothing that is wrong inside ends the explanation of the frame around it: the note is
then of type "damage", holds what could not be explained, and reading goes on behind it.
"""

from collections.abc import Callable, Iterator
from importlib import import_module

from .compression import NONE, decompress, name
from .crc import crc32c
from .durable.codec import GROUPS, TRANSACTIONS, Types
from .errors import ProtocolError
from .explain import DAMAGE, Cursor, Note, Wrong, guarded, read_request, read_struct
from .meanings import moment

_HEADER_BYTES = 61
_PREFIX_BYTES = 12

# Topics whose records are the broker's own.
_LOGS: dict[str, Types] = {"__consumer_offsets": GROUPS, "__transaction_state": TRANSACTIONS}

# bytes fields that hold a message with its version in front: (struct, field) -> (module, class).
_SUBSCRIPTION = ("assignment", "ConsumerProtocolSubscription")
_ASSIGNMENT = ("assignment", "ConsumerProtocolAssignment")
_BLOBS = {
    ("JoinGroupRequestProtocol", "metadata"): _SUBSCRIPTION,
    ("JoinGroupResponseMember", "metadata"): _SUBSCRIPTION,
    ("DescribedGroupMember", "member_metadata"): _SUBSCRIPTION,
    ("MemberMetadata", "subscription"): _SUBSCRIPTION,
    ("SyncGroupRequestAssignment", "assignment"): _ASSIGNMENT,
    ("SyncGroupResponse", "assignment"): _ASSIGNMENT,
    ("DescribedGroupMember", "member_assignment"): _ASSIGNMENT,
    ("MemberMetadata", "assignment"): _ASSIGNMENT,
    ("EnvelopeRequest", "request_principal"): ("principal", "DefaultPrincipalData"),
}
_CONTROL_TYPES = {
    0: ("ABORT", "EndTxnMarker"),
    1: ("COMMIT", "EndTxnMarker"),
    2: ("LEADER_CHANGE", ""),
    3: ("SNAPSHOT_HEADER", ""),
    4: ("SNAPSHOT_FOOTER", ""),
    5: ("KRAFT_VERSION", ""),
    6: ("KRAFT_VOTERS", ""),
}


def _attempt(cursor: Cursor, read: Callable[[Cursor], Iterator[Note]]) -> list[Note] | None:
    """The notes of all bytes of the cursor, or None if they are something else."""
    trial = cursor.within(cursor.left)
    try:
        found = list(read(trial))
    except Wrong:
        return None
    return found if trial.at == trial.end else None


def _opaque(cursor: Cursor, path: str, depth: int, said: str = "") -> Note:
    start = cursor.at
    cursor.at = cursor.end
    return cursor.note(start, path, "bytes", cursor.data[start : cursor.end], said, depth)


# --- blobs


def read_blob(cursor: Cursor, struct: str, field: str, path: str, depth: int) -> Iterator[Note]:
    """The bytes of a bytes field: a message where it is known to be one and reads like it, otherwise just bytes."""
    found = None
    if (struct, field) in _BLOBS:
        module, cls_name = _BLOBS[struct, field]
        found = _attempt(cursor, lambda trial: _read_versioned(trial, module, cls_name, path, depth))
    elif (struct, field) == ("EnvelopeRequest", "request_data") and not cursor.enveloped:
        cursor.enveloped = True  # one inside another would be a stranger's doing, and could go on for ever
        found = _attempt(cursor, read_request)
    if found is None:
        found = [_opaque(cursor, path, depth)]
    yield from found


def _read_versioned(cursor: Cursor, module: str, cls_name: str, path: str, depth: int) -> Iterator[Note]:
    """A version, then the fields. A newer version is read as the newest that we know; what follows is left."""
    cls = getattr(import_module(f".durable.{module}", __package__), cls_name)
    start = cursor.at
    version = int.from_bytes(cursor.take(2, "a version", path), "big", signed=True)
    if version < cls.__versions__.low:
        raise Wrong(start, f"a version of {cls_name}, not {version}", path)
    known = min(version, cls.__versions__.high)
    yield cursor.note(start, f"{path}.version", "int16", version, f"{cls_name} v{version}", depth)
    yield from read_struct(cursor, cls, known, known in cls.__flexible__, path, depth)
    if version > known and cursor.left:
        yield _opaque(cursor, path, depth, f"what version {version} has and {known} has not")


# --- batches


def read_records(cursor: Cursor, path: str, depth: int) -> Iterator[Note]:
    """The batches of a records field, or of a piece of a log."""
    index = 0
    while cursor.left:
        here = f"{path}.batch[{index}]" if path else f"batch[{index}]"
        length = int.from_bytes(cursor.data[cursor.at + 8 : cursor.at + 12], "big", signed=True)
        magic = cursor.data[cursor.at + 16 : cursor.at + 17]
        if cursor.left < _PREFIX_BYTES or (length + _PREFIX_BYTES > cursor.left and magic in (b"", b"\x02")):
            yield _opaque(cursor, here, depth, "the front of a batch that is cut off; consumers skip it")
            return
        wrong = ""
        if magic != b"\x02":
            old = " (a message set of before Kafka 0.11)" if magic in (b"\0", b"\1") else ""
            wrong = f"magic 2 at byte {cursor.at + 16}, not {magic.hex() or 'the end'}{old}"
        elif length < _HEADER_BYTES - _PREFIX_BYTES:
            wrong = f"a length of at least 49 at byte {cursor.at + 8}, not {length}"
        if wrong:
            yield cursor.error(Wrong(cursor.at, wrong, here), DAMAGE, depth)
            return
        batch = cursor.within(length + _PREFIX_BYTES)
        cursor.at = batch.end
        yield from guarded(batch, _read_batch(batch, here, depth), DAMAGE, depth)
        index += 1


class _Head:
    """What the records of a batch need to know of its header."""

    base_offset = 0
    base_timestamp = 0
    max_timestamp = 0
    attributes = 0
    count = 0


def _flags(attributes: int) -> str:
    said = [name(attributes & 7), "log append time" if attributes & 8 else "create time"]
    said += [word for bit, word in ((16, "transactional"), (32, "control"), (64, "delete horizon")) if attributes & bit]
    return ", ".join(said)


def _read_batch(cursor: Cursor, path: str, depth: int) -> Iterator[Note]:
    head = _Head()
    yield cursor.heading(path, "record batch", depth)
    yield from _read_head(cursor, head, path, depth + 1)
    codec = head.attributes & 7
    inside = cursor
    if codec != NONE and cursor.left:
        folded = cursor.data[cursor.at : cursor.end]
        try:
            plain = decompress(codec, folded, cursor.unfold)
        except ProtocolError as error:
            raise Wrong(cursor.at, f"records that {name(codec)} can unfold: {error}", path) from None
        yield _opaque(cursor, f"{path}.records", depth + 1, f"{name(codec)}, unfolds to {len(plain)} bytes")
        inside = Cursor(plain, source=f"{path} unfolded", unfold=cursor.unfold)
        inside.topic = cursor.topic
        yield inside.heading(f"{path}.records", f"{len(plain)} bytes unfolded by {name(codec)}", depth + 1)
    yield from guarded(inside, _read_all_records(inside, head, path, depth + 1), DAMAGE, depth + 1)
    cursor.at = cursor.end


def _read_head(cursor: Cursor, head: _Head, path: str, depth: int) -> Iterator[Note]:
    begin = cursor.at

    def number(field: str, size: int, said: str = "", signed: bool = True) -> Note:
        start = cursor.at
        value = int.from_bytes(cursor.take(size, field, path), "big", signed=signed)
        kind = f"{'' if signed else 'u'}int{8 * size}"
        return cursor.note(start, f"{path}.{field}", kind, value, said, depth)

    base = number("base_offset", 8)
    head.base_offset = base.value
    yield base
    length = number("length", 4)
    yield length._replace(meaning=f"{length.value + _PREFIX_BYTES} bytes in all")
    yield number("leader_epoch", 4)
    yield number("magic", 1)
    crc = number("crc", 4, signed=False)
    computed = crc32c(cursor.data[begin + 21 : cursor.end])
    yield crc._replace(meaning="right" if computed == crc.value else f"wrong, the bytes sum up to {computed}")
    attributes = number("attributes", 2)
    head.attributes = attributes.value
    yield attributes._replace(meaning=_flags(head.attributes))
    delta = number("last_offset_delta", 4)
    yield delta._replace(meaning=f"the last offset is {head.base_offset + delta.value}")
    base_timestamp = number("base_timestamp", 8)
    head.base_timestamp = base_timestamp.value
    horizon = "delete horizon " if head.attributes & 64 else ""
    yield base_timestamp._replace(meaning=horizon + moment(head.base_timestamp))
    max_timestamp = number("max_timestamp", 8)
    head.max_timestamp = max_timestamp.value
    yield max_timestamp._replace(meaning=moment(head.max_timestamp))
    producer = number("producer_id", 8)
    yield producer._replace(meaning="not idempotent" if producer.value == -1 else "")
    yield number("producer_epoch", 2)
    yield number("base_sequence", 4)
    count = number("count", 4)
    head.count = count.value
    yield count._replace(meaning=f"{head.count} record{'s' * (head.count != 1)}")


# --- records


def _read_all_records(cursor: Cursor, head: _Head, path: str, depth: int) -> Iterator[Note]:
    if head.count < 0:
        raise Wrong(cursor.at, f"a count of records, not {head.count}", f"{path}.count")
    for index in range(head.count):
        here = f"{path}.records[{index}]"
        start = cursor.at
        length = cursor.varint(here)
        if not 0 <= length <= cursor.left:
            raise Wrong(start, f"the length of a record, not {length}: {cursor.left} bytes are left", here)
        yield cursor.note(start, f"{here}.length", "varint", length, "", depth)
        record = cursor.within(length)
        cursor.at = record.end
        yield from _read_record(record, head, here, depth + 1)
        if record.left:
            raise Wrong(record.at, f"the record to end here, {record.left} bytes of it are left", here)
    if cursor.left:
        raise Wrong(cursor.at, f"the batch to end after {head.count} records, {cursor.left} bytes are left", path)


def _read_record(cursor: Cursor, head: _Head, path: str, depth: int) -> Iterator[Note]:
    start = cursor.at
    value = int.from_bytes(cursor.take(1, "attributes", path), "big", signed=True)
    yield cursor.note(start, f"{path}.attributes", "int8", value, "", depth)
    start = cursor.at
    delta = cursor.varint(f"{path}.timestamp_delta", 64)
    said = moment(head.max_timestamp if head.attributes & 8 else head.base_timestamp + delta)
    yield cursor.note(start, f"{path}.timestamp_delta", "varlong", delta, said, depth)
    start = cursor.at
    delta = cursor.varint(f"{path}.offset_delta")
    yield cursor.note(start, f"{path}.offset_delta", "varint", delta, f"offset {head.base_offset + delta}", depth)
    context = _KeyContext()
    yield from _read_part(cursor, f"{path}.key", depth, lambda inside, at: _read_key(inside, head, context, at, depth))
    yield from _read_part(
        cursor, f"{path}.value", depth, lambda inside, at: _read_value(inside, head, context, at, depth)
    )
    start = cursor.at
    count = cursor.varint(f"{path}.headers")
    if not 0 <= count <= cursor.left:
        raise Wrong(start, f"a count of headers, not {count}: {cursor.left} bytes are left", f"{path}.headers")
    yield cursor.note(start, f"{path}.headers", "varint", count, f"{count or 'no'} header{'s' * (count != 1)}", depth)
    for index in range(count):
        here = f"{path}.headers[{index}]"
        yield from _read_part(cursor, f"{here}.name", depth, None, nullable=False)
        yield from _read_part(cursor, f"{here}.value", depth, None)


class _KeyContext:
    """What the key of a broker's own record says about its value."""

    module = ""
    value_class = ""


def _read_part(
    cursor: Cursor,
    path: str,
    depth: int,
    read: Callable[[Cursor, str], Iterator[Note]] | None,
    nullable: bool = True,
) -> Iterator[Note]:
    """A length and its bytes: a key, a value, half of a header."""
    start = cursor.at
    length = cursor.varint(path)
    if length < (-1 if nullable else 0) or length > cursor.left:
        raise Wrong(start, f"a length of at most {cursor.left}, not {length}", path)
    yield cursor.note(start, f"{path}.length", "varint", length, "null" if length == -1 else "", depth)
    if length < 0 or (not length and read is None):
        return
    inside = cursor.within(length)
    cursor.at = inside.end
    found = _attempt(inside, lambda trial: read(trial, path)) if read is not None else None
    if found:
        yield from found
    elif length:
        yield _opaque(inside, path, depth)


def _read_key(cursor: Cursor, head: _Head, context: _KeyContext, path: str, depth: int) -> Iterator[Note]:
    if head.attributes & 32:
        start = cursor.at
        version = int.from_bytes(cursor.take(2, "a version", path), "big")
        yield cursor.note(start, f"{path}.version", "int16", version, "", depth)
        start = cursor.at
        kind = int.from_bytes(cursor.take(2, "a type", path), "big")
        said, value = _CONTROL_TYPES.get(kind, ("not known", ""))
        context.module, context.value_class = "control" if value else "", value
        yield cursor.note(start, f"{path}.type", "int16", kind, said, depth)
        return
    start = cursor.at
    kind = int.from_bytes(cursor.take(2, "a record type", path), "big")
    row = _LOGS.get(cursor.topic, {}).get(kind)
    if row is None:
        raise Wrong(start, "a record type of the broker's own", path)
    module, stem = row
    cls = getattr(import_module(f".durable.{module}", __package__), stem + "Key")
    context.module, context.value_class = module, stem + "Value"
    yield cursor.note(start, f"{path}.type", "int16", kind, cls.__name__, depth)
    yield from read_struct(cursor, cls, 0, 0 in cls.__flexible__, path, depth)


def _read_value(cursor: Cursor, head: _Head, context: _KeyContext, path: str, depth: int) -> Iterator[Note]:
    if not context.module:
        raise Wrong(cursor.at, "a value whose key says what it is", path)
    yield from _read_versioned(cursor, context.module, context.value_class, path, depth)
