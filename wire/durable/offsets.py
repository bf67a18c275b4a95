"""Committed offsets, as they lie in `__consumer_offsets`: one record for each group, topic and partition.

A record without a value forgets the offset. Offsets that a transaction commits are transactional records and count
from its marker on.

OffsetCommitKey has type 1. Type 0 is its predecessor, which old logs may still hold.

v0 offset, metadata, commit_timestamp   v1 expire_timestamp (only here)   v3 leader_epoch (KIP-320)
v4 flexible, topic_id (KIP-848)
"""

from ..schema import Key, Value, int32, int64, string, uuid


class LegacyOffsetCommitKey(Key, key=0, versions="0"):
    group: str = string(versions="0")
    topic: str = string(versions="0")
    partition: int = int32(versions="0")


class LegacyOffsetCommitValue(Value, key=0, versions="0"):
    offset: int = int64(versions="0")
    metadata: str = string(versions="0")
    commit_timestamp: int = int64(versions="0")


class OffsetCommitKey(Key, key=1, versions="0"):
    group: str = string(versions="0")
    topic: str = string(versions="0")
    partition: int = int32(versions="0")


class OffsetCommitValue(Value, key=1, versions="0-4", flexible="4+"):
    offset: int = int64()
    leader_epoch: int = int32(versions="3+", default=-1, ignorable=True)
    metadata: str = string()
    commit_timestamp: int = int64()
    expire_timestamp: int = int64(versions="1", default=-1, ignorable=True)
    topic_id: bytes = uuid(versions="4+", tag=0, ignorable=True)
