"""A note is what was, or it is no note."""

from __future__ import annotations

from struct import pack

from hypothesis import given, settings
from hypothesis import strategies as st

from kbroker.partitions.checkpoint import decode, encode
from kbroker.partitions.epochs import EpochTable
from kbroker.partitions.producers import Entry, Producer, Producers
from kbroker.partitions.undecided import Aborted, Undecided

int32, int64 = st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1)
entries = st.builds(Entry, st.just(0), int32, int32, int64, int32, int64)
producers = st.builds(Producer, st.integers(0, 2**15 - 1), int64, st.lists(entries, max_size=5))


@settings(max_examples=60)
@given(
    st.dictionaries(int64, producers, max_size=5),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 99)), max_size=4),
)
def test_a_note_comes_back_as_it_was(table: dict[int, Producer], steps: list[tuple[int, int]]) -> None:
    known, epochs = Producers(1000), EpochTable()
    known.table = table
    for epoch, start in steps:
        epochs.assign(epoch, start)
    restored = decode(encode(99, epochs, known, Undecided()), 1000)
    assert restored is not None
    assert list(restored[0]) == list(epochs)
    assert {
        key: (one.epoch, one.seen_ms, [entry.values() for entry in one.kept]) for key, one in restored[1].table.items()
    } == {key: (one.epoch, one.seen_ms, [entry.values() for entry in one.kept]) for key, one in table.items()}


def test_an_epoch_that_begins_later_than_the_note_is_not_in_it() -> None:
    restored = decode(encode(10, EpochTable([(0, 0), (1, 10), (2, 11)]), Producers(1), Undecided()), 1)
    assert restored is not None and list(restored[0]) == [(0, 0), (1, 10)]


def test_a_section_of_a_later_version_is_skipped() -> None:
    note = encode(10, EpochTable([(3, 0)]), Producers(1), Undecided()) + pack(">bi", 99, 4) + b"more"
    restored = decode(note, 1)
    assert restored is not None and list(restored[0]) == [(3, 0)]


def test_a_note_of_another_format_is_no_note() -> None:
    assert decode(b"\x02", 1) is None and decode(b"", 1) is None


def test_what_was_open_and_aborted_comes_back() -> None:
    known = Producers(1000)
    for producer_id in (7, 8):
        known.table[producer_id] = Producer(3, 0)
    known.table[7].coordinator_epoch, known.table[7].timestamp = 5, 99
    undecided = Undecided([(8, 4)], [Aborted(7, 1, 3, 4), Aborted(7, 9, 12, 4)])
    restored = decode(encode(12, EpochTable(), known, undecided), 1000)
    assert restored is not None
    _, producers, again = restored
    assert (producers.table[7].coordinator_epoch, producers.table[7].timestamp) == (5, 99)
    assert (producers.table[7].in_transaction, producers.table[8].in_transaction) == (False, True)
    assert again.open == {8: 4}
    assert again.aborted == [Aborted(7, 1, 3, 4)], "the marker at 12 lies behind the note"


@settings(max_examples=60)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_note_or_none(data: bytes) -> None:
    for prefix in (b"", *[bytes((1, kind)) for kind in range(1, 6)]):
        restored = decode(prefix + data, 1)
        assert restored is None or list(restored[0]) is not None
