"""What stands in `__consumer_offsets`: the bytes that Apache Kafka writes, and that its tools can read."""

from kbroker.machine import Marker, Origin, Producer, Record
from wire.durable.offsets import LegacyOffsetCommitKey, LegacyOffsetCommitValue, OffsetCommitKey

from .bench import START, Bench, Written


def written(bench: Bench, at: int) -> tuple[bytes, bytes | None]:
    entry = bench.log[at]
    assert isinstance(entry, Written)
    return entry.key, entry.value


def text(value: str) -> bytes:
    return len(value).to_bytes(2, "big") + value.encode()


def int64(value: int) -> bytes:
    return value.to_bytes(8, "big", signed=True)


def test_a_new_group_is_written_as_kafka_writes_it() -> None:
    bench = Bench()
    bench.join("a")
    key, value = written(bench, 0)
    assert key == b"\x00\x02" + text("g")
    nothing = b"\xff\xff"
    assert value == b"\x00\x03" + text("") + bytes(4) + nothing + nothing + int64(START) + bytes(4)


def test_a_generation_is_written_in_version_3() -> None:
    bench = Bench()
    ticket = bench.join("a", protocols=[("p", b"meta")], instance="i", session_ms=10_000, rebalance_ms=30_000)
    member = bench.member(ticket)
    bench.sync(member, 1, {member: b"assigned"})
    key, value = written(bench, 1)
    assert key == b"\x00\x02" + text("g")
    generation = text("consumer") + b"\0\0\0\1" + text("p") + text(member) + int64(START) + b"\0\0\0\1"
    timeouts = (30_000).to_bytes(4, "big") + (10_000).to_bytes(4, "big")
    shown = text(member) + text("i") + text("a") + text("/127.0.0.1") + timeouts
    assert value == b"\x00\x03" + generation + shown + b"\0\0\0\4meta" + b"\0\0\0\x08assigned"


def test_an_offset_is_written_in_version_4_with_the_id_of_its_topic() -> None:
    bench = Bench()
    bench.commit({("t", 3): 42}, metadata="note", topic_id=b"i" * 16, leader_epoch=7)
    bench.commit({("t", 3): 43}, metadata=None)
    key, value = written(bench, 0)
    assert key == b"\x00\x01" + text("g") + text("t") + b"\0\0\0\3"
    fields = int64(42) + b"\0\0\0\7" + b"\x05note" + int64(START)
    assert value == b"\x00\x04" + fields + b"\x01\x00\x10" + b"i" * 16  # one tag, number 0, 16 bytes
    assert written(bench, 1) == (key, b"\x00\x04" + int64(43) + b"\xff\xff\xff\xff" + b"\x01" + int64(START) + b"\0")


def test_an_offset_with_a_time_of_its_own_is_written_in_version_1() -> None:
    bench = Bench()
    bench.commit({("t", 3): 42}, topic_id=b"i" * 16, leader_epoch=7, retention_ms=1000)
    _, value = written(bench, 0)
    assert value == b"\x00\x01" + int64(42) + text("") + int64(START) + int64(START + 1000)


def test_what_is_forgotten_has_no_value() -> None:
    bench = Bench()
    bench.commit({("t", 3): 42})
    bench.advance(bench.settings.offsets_retention_ms + bench.settings.offsets_check_interval_ms)
    assert [written(bench, at)[1] for at in (1, 2)] == [None, None]


def test_offsets_of_ancient_brokers_are_read() -> None:
    """They wrote key type 0; Kafka reads it, and so do we."""
    bench = Bench()
    value = LegacyOffsetCommitValue(offset=9, metadata="old", commit_timestamp=START)
    bench.write(Record(LegacyOffsetCommitKey(group="g", topic="t", partition=0), value, 0))
    bench.crash()
    assert bench.fetch({"t": [0]}) == {("t", 0): (9, 0)}


def test_a_tombstone_of_what_is_not_there_changes_nothing() -> None:
    """Compaction may leave it behind when what it forgets is gone."""
    bench = Bench()
    bench.machine.apply(Record(OffsetCommitKey(group="g", topic="t", partition=0), None), Origin(0, START))
    bench.machine.apply_marker(Marker(Producer(1, 0), True, 0), Origin(1, START))
    assert bench.machine.store.group_ids() == []
