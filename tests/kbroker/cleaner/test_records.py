"""A batch from which records were taken says the same of those that are left."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbroker.cleaner.records import emptied, rebuilt, slices
from wire.batch import Batch, verify_crc
from wire.errors import MalformedMessage
from wire.records import NEXT_OFFSET, Record, build_batch, iterate, plain_body

PARTS = st.none() | st.binary(max_size=200)
RECORDS = st.lists(
    st.builds(
        Record,
        key=PARTS,
        value=PARTS,
        headers=st.lists(st.tuples(st.text(max_size=5), PARTS), max_size=2),
        timestamp=st.integers(0, 1 << 40),
        offset=st.just(NEXT_OFFSET),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=150)
@given(records=RECORDS, codec=st.integers(0, 4), horizon=st.none() | st.integers(0, 1 << 41), data=st.data())
def test_what_stays_keeps_offset_time_and_content(
    records: list[Record], codec: int, horizon: int | None, data: st.DataObject
) -> None:
    batch = Batch.parse(
        build_batch(records, base_offset=1000, compression=codec, producer_id=5, producer_epoch=2, base_sequence=7,
                    leader_epoch=3)
    )  # fmt: skip
    body = plain_body(batch, 1 << 20)
    all_of_it = list(slices(batch, body))
    assert [(one.offset, one.key, one.has_value) for one in all_of_it] == [
        (1000 + at, record.key, record.value is not None) for at, record in enumerate(records)
    ]
    kept = [one for one in all_of_it if data.draw(st.booleans())] or all_of_it[-1:]
    new = Batch.parse(rebuilt(batch, body, kept, horizon))
    wanted = [record for record in iterate(batch) if record.offset in {one.offset for one in kept}]
    assert list(iterate(new)) == wanted
    assert verify_crc(new)
    assert new.max_timestamp == max(record.timestamp for record in wanted)
    assert (new.base_offset, new.last_offset, new.leader_epoch) == (1000, batch.last_offset, 3)
    assert (new.producer_id, new.producer_epoch, new.base_sequence) == (5, 2, 7)
    assert new.last_sequence == batch.last_sequence
    assert new.compression == codec
    assert new.delete_horizon_ms == horizon


def test_a_batch_that_bears_its_append_time_keeps_it() -> None:
    batch = Batch.parse(build_batch([Record(b"a"), Record(b"b")], timestamp=77, log_append_time=True))
    body = plain_body(batch, 1000)
    new = Batch.parse(rebuilt(batch, body, list(slices(batch, body))[:1], 99))
    assert [record.timestamp for record in iterate(new)] == [77]


def test_a_bare_header_keeps_offsets_producer_and_time() -> None:
    batch = Batch.parse(
        build_batch([Record(b"a", None, (), 7)] * 3, base_offset=10, compression=4, producer_id=5, producer_epoch=2,
                    base_sequence=7, transactional=True)
    )  # fmt: skip
    bare = Batch.parse(emptied(batch))
    assert verify_crc(bare)
    assert list(iterate(bare)) == []
    assert (bare.base_offset, bare.last_offset, bare.last_sequence) == (10, 12, 9)
    assert (bare.producer_id, bare.producer_epoch, bare.is_transactional) == (5, 2, True)
    assert (bare.max_timestamp, bare.compression) == (7, 0)


@pytest.mark.parametrize("body", [b"", b"\x0c", b"\x02\x00\x00", b"\xff" * 12, b"\x0e\x00\x00\x00\x01\x7e\x00\x00"])
def test_what_is_no_record_is_malformed(body: bytes) -> None:
    batch = Batch.parse(build_batch([Record(b"a")]))
    with pytest.raises(MalformedMessage):
        list(slices(batch, body))
