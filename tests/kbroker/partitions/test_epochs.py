"""Where leader epochs begin and end (KIP-101)."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kbroker.partitions.epochs import UNKNOWN, EpochTable


def test_an_epoch_in_which_nothing_was_written_leaves_no_trace() -> None:
    table = EpochTable()
    for epoch, start in ((0, 0), (1, 10), (2, 10), (3, 10)):
        table.assign(epoch, start)
    assert list(table) == [(0, 0), (3, 10)]


def test_the_same_epoch_keeps_its_first_start() -> None:
    table = EpochTable([(0, 0), (1, 10)])
    table.assign(1, 20)
    assert list(table) == [(0, 0), (1, 10)]


def test_a_table_without_entries_knows_no_epoch() -> None:
    assert EpochTable().end_for(0, 10) == UNKNOWN and EpochTable().at(3) == -1 and EpochTable().latest_start() == 0


def test_an_epoch_before_the_first_one_ends_where_that_begins() -> None:
    assert EpochTable([(3, 5), (4, 9)]).end_for(1, 20) == (1, 5)


def test_the_epoch_in_which_the_log_now_begins_begins_there() -> None:
    table = EpochTable([(0, 0), (1, 10), (2, 20)])
    table.forget_below(15)
    assert list(table) == [(1, 15), (2, 20)]
    table.forget_below(20)
    assert list(table) == [(2, 20)]


def test_a_log_that_is_cut_forgets_what_began_later() -> None:
    table = EpochTable([(0, 0), (1, 10), (2, 20)])
    table.forget_from(20)
    assert list(table) == [(0, 0), (1, 10)]


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 4)), min_size=1, max_size=8),
    st.integers(0, 30),
    st.integers(0, 30),
)
def test_the_table_says_what_the_batches_themselves_say(grown: list[tuple[int, int]], asked: int, start: int) -> None:
    """Each step raises the epoch and writes so many batches; the truth is the list of their epochs."""
    table, batches, epoch = EpochTable(), [], 0
    for raised, count in grown:
        epoch += raised
        table.assign(epoch, len(batches))
        batches += [epoch] * count
    end = len(batches)
    start = min(start, end)
    table.forget_below(start)
    for offset in range(start, end):
        assert table.at(offset) == batches[offset]
    visible = batches[start:]
    if asked > epoch:
        assert table.end_for(asked, end) == UNKNOWN
    elif visible and asked >= visible[0]:
        found = epoch if asked == epoch else max(one for one in visible if one <= asked)
        later = [start + at for at, one in enumerate(visible) if one > asked]
        assert table.end_for(asked, end) == (found, later[0] if later else end)
