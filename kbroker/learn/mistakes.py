"""Which byte of a request is wrong, what was expected there, and why.

Strict: also what Kafka lets pass without a word is told, such as bytes behind the end of a message. The answer is
Kafka's all the same. What is told first stands first in the frame; where a single change makes all of it read well,
that is told before the place at which a reader stumbles.
"""

from __future__ import annotations

from collections.abc import Iterator

from kbroker.learn import batches, rules
from kbroker.learn.repairs import SIZE_BYTES, repair
from kbroker.learn.shapes import Mistake
from kbroker.trace.exchange import Exchange, read
from wire.errors import ErrorCode
from wire.explain import DAMAGE, ERROR, REST, Cursor, Note, guarded, read_request
from wire.registry import APIS, Api

CONTEXT_NOTES = 4
_KEY_AT, _VERSION_AT, _LEAST_BYTES = 4, 6, 8

NO_MISTAKES = {
    "LEADER_NOT_AVAILABLE", "NOT_LEADER_OR_FOLLOWER", "COORDINATOR_LOAD_IN_PROGRESS", "COORDINATOR_NOT_AVAILABLE",
    "NOT_COORDINATOR", "CONCURRENT_TRANSACTIONS", "REBALANCE_IN_PROGRESS", "MEMBER_ID_REQUIRED",
    "UNKNOWN_TOPIC_OR_PARTITION",
}  # fmt: skip
"""Answers after which every client asks again, or does another thing first."""

CULPRITS: dict[str, tuple[str, ...]] = {
    "OFFSET_OUT_OF_RANGE": ("fetch_offset", "partition_index"),
    "CORRUPT_MESSAGE": ("crc", "magic"),
    "INVALID_RECORD": ("last_offset_delta", "count"),
    "UNSUPPORTED_COMPRESSION_TYPE": ("attributes",),
    "MESSAGE_TOO_LARGE": ("records",),
    "INVALID_TOPIC_EXCEPTION": ("name", "topic"),
    "INVALID_REQUIRED_ACKS": ("acks",),
    "OUT_OF_ORDER_SEQUENCE_NUMBER": ("base_sequence",),
    "DUPLICATE_SEQUENCE_NUMBER": ("base_sequence",),
    "INVALID_PRODUCER_EPOCH": ("producer_epoch",),
    "PRODUCER_FENCED": ("producer_epoch",),
    "UNKNOWN_PRODUCER_ID": ("producer_id",),
    "INVALID_PRODUCER_ID_MAPPING": ("producer_id",),
    "INVALID_TXN_STATE": ("attributes", "committed", "transactional_id", "v3_and_below_transactional_id"),
    "INVALID_TRANSACTION_TIMEOUT": ("transaction_timeout_ms",),
    "ILLEGAL_GENERATION": ("generation_id", "generation_id_or_member_epoch"),
    "UNKNOWN_MEMBER_ID": ("member_id",),
    "FENCED_MEMBER_EPOCH": ("member_epoch",),
    "STALE_MEMBER_EPOCH": ("member_epoch", "generation_id_or_member_epoch"),
    "INVALID_SESSION_TIMEOUT": ("session_timeout_ms",),
    "INCONSISTENT_GROUP_PROTOCOL": ("protocols", "protocol_type"),
    "INVALID_GROUP_ID": ("group_id", "key"),
    "GROUP_ID_NOT_FOUND": ("group_id",),
    "UNSUPPORTED_ASSIGNOR": ("server_assignor",),
    "UNSUPPORTED_SASL_MECHANISM": ("mechanism",),
    "ILLEGAL_SASL_STATE": ("auth_bytes",),
    "SASL_AUTHENTICATION_FAILED": ("auth_bytes",),
    "UNSUPPORTED_VERSION": ("request_api_version",),
}
"""Which fields an error is about; the first that the request has."""


def frame_of(exchange: Exchange) -> bytes:
    """The request with its size in front, as it came."""
    size = len(exchange.request) + exchange.lacking
    return size.to_bytes(SIZE_BYTES, "big") + exchange.request


def notes_of(frame: bytes) -> list[Note]:
    """What each byte of a request is, from its size on."""
    cursor = Cursor(frame)
    size = cursor.take(SIZE_BYTES, "a size", "size")
    first = cursor.note(0, "size", "int32", int.from_bytes(size, "big"), f"{len(frame) - SIZE_BYTES} bytes follow")
    return [first, *guarded(cursor, read_request(cursor))]


def mistakes(exchange: Exchange) -> list[Mistake]:
    """All that is wrong with a request, by the place where it stands."""
    frame = frame_of(exchange)
    if exchange.lacking:
        return [_unfinished(frame, exchange.lacking)]
    if len(frame) < SIZE_BYTES + _LEAST_BYTES:
        words = f"a header of at least {_LEAST_BYTES} bytes: API key, version, correlation id"
        return [Mistake(0, "size", frame[:SIZE_BYTES].hex(" "), words, rules.HEADER)]
    key, version = (int.from_bytes(frame[at : at + 2], "big", signed=True) for at in (_KEY_AT, _VERSION_AT))
    api = APIS.get(key)
    if api is None or not api.min_version <= version <= (api.unstable_version or api.max_version):
        return [_nothing_such(frame, api, key, version)]
    notes = notes_of(frame)
    found = list(_in_notes(frame, api, version, notes))
    found += batches.mistakes(notes) if api.kafka_name == "Produce" else []
    found = sorted(set(found), key=lambda mistake: mistake.offset)
    return found or list(_unknown_tags(api, version, notes)) or list(_refused(exchange, api, version, notes))


def _unfinished(frame: bytes, lacking: int) -> Mistake:
    size = len(frame) - SIZE_BYTES + lacking
    here = len(frame) - SIZE_BYTES
    words = f"{size} bytes behind this size, of which {here} came; the broker waits for {lacking} more"
    return Mistake(0, "size", frame[:SIZE_BYTES].hex(" "), words, rules.FRAME, _sound_size(frame))


def _sound_size(frame: bytes) -> str:
    """Whether what came is a whole request."""
    here = len(frame) - SIZE_BYTES
    notes = notes_of(here.to_bytes(SIZE_BYTES, "big") + frame[SIZE_BYTES:])
    if any(note.type in (ERROR, DAMAGE, REST) for note in notes):
        return ""
    return f"with {here.to_bytes(SIZE_BYTES, 'big').hex(' ')} here ({here}) what came is a whole request"


def _nothing_such(frame: bytes, api: Api | None, key: int, version: int) -> Mistake:
    if api is None:
        little = APIS.get(int.from_bytes(frame[_KEY_AT : _KEY_AT + 2], "little"))
        hint = f"the other way round it is {little.kafka_name}: the highest byte comes first" if little else ""
        words = f"the key of an API; there is no {key} (ApiVersions is 18)"
        return Mistake(_KEY_AT, "header.request_api_key", frame[4:6].hex(" "), words, rules.HEADER, hint)
    words = f"a version of {api.kafka_name}: {api.min_version} to {api.max_version}, not {version}"
    rule = rules.HEADER
    if api.kafka_name == "ApiVersions":
        rule = "ApiVersions of a version that a broker does not have is answered in version 0, with error 35 (KIP-511)."
    return Mistake(_VERSION_AT, "header.request_api_version", frame[6:8].hex(" "), words, rule)


def _in_notes(frame: bytes, api: Api, version: int, notes: list[Note]) -> Iterator[Mistake]:
    for at, note in enumerate(notes):
        if note.type in (ERROR, REST):
            better = repair(frame, api, version, notes)
            if better is not None:
                there = next((each for each in notes if each.offset == better.offset and each.raw), note)
                rule = better.rule or rules.rule_of(api, version, there.path, there.type)
                found = frame[better.offset : better.offset + (len(there.raw) if there.type != ERROR else 1)]
                yield Mistake(better.offset, there.path, found[:8].hex(" "), better.words, rule, _stumble(note))
                return
        if note.type == REST:
            rule = rules.END
            words = f"the end of {api.kafka_name} v{version}: {len(note.raw)} bytes are left over"
            yield Mistake(note.offset, "", note.raw[:8].hex(" "), words, rule)
        elif note.type in (ERROR, DAMAGE):
            path = note.path or notes[max(at - 1, 0)].path
            rule = rules.rule_of(api, version, path, note.type)
            yield Mistake(note.offset, path, note.raw[:8].hex(" "), note.meaning.removeprefix("expected "), rule)


def _unknown_tags(api: Api, version: int, notes: list[Note]) -> Iterator[Mistake]:
    for note in notes:
        if note.type == "tag" and note.meaning == "not known":
            words = (
                f"no tag {note.value}: {api.kafka_name} v{version} has none of this number, and brokers leave it out"
            )
            yield Mistake(note.offset, note.path, note.raw.hex(" "), words, rules.TAGS)


def _stumble(note: Note) -> str:
    return f"as it stands, byte {note.offset} is where reading ends: {note.meaning}"


def _refused(exchange: Exchange, api: Api, version: int, notes: list[Note]) -> Iterator[Mistake]:
    """What the broker answers to a frame that is well made."""
    for name in read(exchange.request, exchange.reply).errors:
        if name in NO_MISTAKES or name not in ErrorCode.__members__:
            continue
        fields = CULPRITS.get(name, ())
        note = next(
            (note for field in fields for note in notes if note.path.rpartition(".")[2] == field and note.raw), None
        )
        answered = f"{name} ({ErrorCode[name].value}): {ErrorCode[name].message}"
        if note is None:
            yield Mistake(-1, "", "", "", "", answered=answered)
        else:
            rule = rules.rule_of(api, version, note.path, note.type)
            yield Mistake(note.offset, note.path, note.raw[:8].hex(" "), "", rule, answered=answered)


def around(exchange: Exchange, mistake: Mistake) -> list[Note]:
    """The notes up to the byte, a few of them: what a reader looks at."""
    frame = frame_of(exchange)
    notes = [note for note in notes_of(frame) if note.raw]
    before = [note for note in notes if note.offset <= mistake.offset and not note.source]
    return before[-CONTEXT_NOTES:]
