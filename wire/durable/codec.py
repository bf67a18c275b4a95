"""How keys and values of the broker's own records stand in their bytes.

    key      record type int16, then the key's fields in version 0           value    version int16, then the fields

A type means something in its own log only: 0 is an old offset commit in `__consumer_offsets`, a transactional id in
`__transaction_state`. `GROUPS`, `TRANSACTIONS` and `SHARE_STATE` say which types a log has; the types of our own
catalog begin at 100, so one table serves both it and the groups. A reader skips keys of types that it does not know:
a newer broker wrote them.

Blobs that travel inside other messages have a version in front, too: a consumer's subscription and assignment. There
a newer writer is welcome: what is read is the newest version that we know, and what follows is left alone.
"""

from __future__ import annotations

from importlib import import_module
from struct import Struct as Packing
from typing import TypeVar

from ..errors import MalformedMessage
from ..primitives import Buffer
from ..schema import Data, Key, Message, Value

Blob = TypeVar("Blob", bound=Data)
Types = dict[int, tuple[str, str]]

# Record type -> the module and the stem of its pair of classes (OffsetCommit: OffsetCommitKey, OffsetCommitValue).
GROUPS: Types = {
    0: ("offsets", "LegacyOffsetCommit"),
    1: ("offsets", "OffsetCommit"),
    2: ("groups", "GroupMetadata"),
    3: ("groups", "ConsumerGroupMetadata"),
    4: ("groups", "ConsumerGroupPartitionMetadata"),
    5: ("groups", "ConsumerGroupMemberMetadata"),
    6: ("groups", "ConsumerGroupTargetAssignmentMetadata"),
    7: ("groups", "ConsumerGroupTargetAssignmentMember"),
    8: ("groups", "ConsumerGroupCurrentMemberAssignment"),
    10: ("share", "ShareGroupMemberMetadata"),
    11: ("share", "ShareGroupMetadata"),
    12: ("share", "ShareGroupTargetAssignmentMetadata"),
    13: ("share", "ShareGroupTargetAssignmentMember"),
    14: ("share", "ShareGroupCurrentMemberAssignment"),
    15: ("share", "ShareGroupStatePartitionMetadata"),
    16: ("groups", "ConsumerGroupRegularExpression"),
    17: ("streams", "StreamsGroupMetadata"),
    19: ("streams", "StreamsGroupMemberMetadata"),
    20: ("streams", "StreamsGroupTargetAssignmentMetadata"),
    21: ("streams", "StreamsGroupTargetAssignmentMember"),
    22: ("streams", "StreamsGroupCurrentMemberAssignment"),
    23: ("streams", "StreamsGroupTopology"),
    100: ("catalog", "CatalogCluster"),
    101: ("catalog", "CatalogNode"),
    102: ("catalog", "CatalogTopic"),
    103: ("catalog", "CatalogConfig"),
    104: ("catalog", "CatalogFeatures"),
    105: ("catalog", "CatalogProducerIds"),
    106: ("catalog", "CatalogUser"),
    107: ("catalog", "CatalogQuota"),
    108: ("catalog", "CatalogAcl"),
    109: ("catalog", "CatalogToken"),
}
TRANSACTIONS: Types = {0: ("transactions", "TransactionLog")}
SHARE_STATE: Types = {0: ("share", "ShareSnapshot"), 1: ("share", "ShareUpdate")}

BY_TOPIC = {"__consumer_offsets": GROUPS, "__share_group_state": SHARE_STATE, "__transaction_state": TRANSACTIONS}

_SHORT = Packing(">h")
_keys: dict[tuple[str, str], type[Key]] = {}
_value_classes: dict[type[Key], type[Value]] = {}


def encode_key(key: Key) -> bytes:
    """A kept key (`schema.keep`) remembers its bytes."""
    memo: dict[int, bytes] | None = getattr(key, "memo", None)
    if memo is None:
        return _SHORT.pack(key.__api_key__) + key.encode(0)
    found = memo.get(0)
    if found is None:
        found = memo[0] = _SHORT.pack(key.__api_key__) + key.encode(0)
    return found


def encode_value(value: Value | Data, version: int) -> bytes:
    return _SHORT.pack(version) + value.encode(version)


def decode_key(buffer: Buffer, types: Types = GROUPS) -> Key | None:
    """The key, or None if its type is not among these."""
    row = types.get(_short(buffer, "Key"))
    if row is None:
        return None
    key, end = _key_class(row).decode_from(buffer, 2, 0)
    _nothing_left(buffer, end, type(key))
    return key


def decode_value(key: Key, buffer: Buffer) -> Value:
    """The value that belongs to a key. UnsupportedVersion if it was written in a version newer than ours."""
    cls = value_class(type(key))
    value, end = cls.decode_from(buffer, 2, _short(buffer, cls.__name__))
    _nothing_left(buffer, end, cls)
    return value


def decode_blob(cls: type[Blob], buffer: Buffer) -> Blob:
    """A blob with its version in front, from a writer that may be newer than we are."""
    version = min(_short(buffer, cls.__name__), cls.__versions__.high)
    if version < cls.__versions__.low:
        raise MalformedMessage(f"a version of {version}", 0, cls.__name__)
    return cls.decode_from(buffer, 2, version)[0]


def value_class(key: type[Key]) -> type[Value]:
    """The class of the values that stand under such a key."""
    found = _value_classes.get(key)
    if found is None:
        found = getattr(import_module(key.__module__), key.__name__.removesuffix("Key") + "Value")
        _value_classes[key] = found
    return found


def _key_class(row: tuple[str, str]) -> type[Key]:
    found = _keys.get(row)
    if found is None:
        found = _keys[row] = getattr(import_module(f".{row[0]}", __package__), row[1] + "Key")
    return found


def _short(buffer: Buffer, path: str) -> int:
    if len(buffer) < 2:
        raise MalformedMessage("the bytes end too early", len(buffer), path)
    value: int = _SHORT.unpack_from(buffer)[0]
    return value


def _nothing_left(buffer: Buffer, end: int, cls: type[Message]) -> None:
    if end != len(buffer):
        raise MalformedMessage(f"{len(buffer) - end} bytes are left over", end, cls.__name__)
