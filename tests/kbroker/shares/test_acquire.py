"""What a member gets of what the log has: whole batches, ranges, limits, second deliveries, and what is no record."""

import pytest

from kbroker.shares.acknowledge import Said, acknowledge, expire
from kbroker.shares.acquire import RECORD_LIMIT, Span, Taking, acquire
from kbroker.shares.kept import Range
from kbroker.shares.window import Window

LOG = [Span(0, 9), Span(10, 19), Span(20, 29)]
RELEASE, REJECT, ACCEPT = 2, 3, 1


def taking(max_records: int = 500, batch_size: int = 500, **more: int) -> Taking:
    return Taking("m", 30_000, max_records, batch_size, **more)


def fresh(start: int = 0) -> Window:
    return Window(start)


def test_everything_that_is_there_is_one_range() -> None:
    assert acquire(fresh(), 0, LOG, taking()) == [(0, 29, 1)]


def test_ranges_end_where_batches_of_the_log_do() -> None:
    assert acquire(fresh(), 0, LOG, taking(batch_size=10)) == [(0, 9, 1), (10, 19, 1), (20, 29, 1)]
    assert acquire(fresh(), 0, LOG, taking(batch_size=11)) == [(0, 19, 1), (20, 29, 1)]


@pytest.mark.parametrize(("asked", "last"), [(1, 9), (10, 9), (11, 19), (25, 29), (500, 29)])
def test_whole_batches_are_taken_even_if_that_is_more_than_was_asked_for(asked: int, last: int) -> None:
    assert acquire(fresh(), 0, LOG, taking(asked)) == [(0, last, 1)]


@pytest.mark.parametrize(("asked", "last"), [(1, 0), (10, 9), (11, 10), (25, 24), (500, 29)])
def test_a_strict_member_gets_no_more_than_it_asked_for(asked: int, last: int) -> None:
    window = fresh()
    assert acquire(window, 0, LOG, taking(asked, mode=RECORD_LIMIT)) == [(0, last, 1)]
    assert window.next_offset() == last + 1


def test_two_members_never_get_the_same_record() -> None:
    window = fresh()
    assert acquire(window, 0, LOG, taking(5, mode=RECORD_LIMIT)) == [(0, 4, 1)]
    assert acquire(window, 5, LOG, taking(5, mode=RECORD_LIMIT)) == [(5, 9, 1)]
    assert acquire(window, 0, LOG, taking()) == [(10, 29, 1)]
    assert acquire(window, 0, LOG, taking()) == []


def test_what_was_released_comes_first_and_counts_up() -> None:
    window = fresh()
    acquire(window, 0, LOG[:2], taking())
    acknowledge(window, "m", [Said(3, 4, [RELEASE])], 0, 5)
    assert window.next_offset() == 3
    assert acquire(window, 3, LOG, taking()) == [(3, 4, 2), (20, 29, 1)]


def test_no_more_is_on_its_way_than_may_be() -> None:
    window = fresh()
    assert acquire(window, 0, LOG, taking(locks=15)) == [(0, 19, 1)], "whole batches"
    assert not window.room(15)
    acknowledge(window, "m", [Said(4, 4, [RELEASE])], 0, 5)
    assert window.room(15)
    assert acquire(window, 4, LOG, taking(locks=15)) == [(4, 4, 2)], "what comes back, and nothing new"


def test_a_batch_that_begins_before_the_start_is_taken_from_the_start_on() -> None:
    assert acquire(fresh(4), 4, LOG, taking()) == [(4, 29, 1)]


def test_offsets_that_the_log_skips_at_the_front_are_done() -> None:
    window = fresh()
    assert acquire(window, 0, [Span(7, 9)], taking()) == [(7, 9, 1)]
    assert window.start == 7


def test_offsets_that_the_log_skips_in_between_are_for_the_member_to_tell() -> None:
    assert acquire(fresh(), 0, [Span(0, 3), Span(8, 9)], taking()) == [(0, 9, 1)]


def test_released_records_that_compaction_has_taken_away_are_done() -> None:
    window = fresh()
    acquire(window, 0, LOG, taking())
    acknowledge(window, "m", [Said(0, 12, [RELEASE])], 0, 5)
    assert acquire(window, 0, [Span(8, 9), Span(10, 19)], taking()) == [(8, 12, 2)]
    assert window.start == 8


def test_aborted_records_are_for_nobody() -> None:
    window = fresh()
    spans = [Span(0, 3), Span(4, 5, skip=True), Span(6, 6), Span(7, 9, skip=True)]
    assert acquire(window, 0, spans, taking()) == [(0, 3, 1), (6, 6, 1)]
    acknowledge(window, "m", [Said(0, 3, [ACCEPT]), Said(6, 6, [0])], 0, 5)
    assert (window.start, window.size) == (10, 0)


def test_a_log_of_aborted_records_only_moves_the_start() -> None:
    window = fresh()
    assert acquire(window, 0, [Span(0, 9, skip=True)], taking()) == []
    assert (window.start, window.next_offset()) == (10, 10)


def redelivered(times: int, deliveries: int = 5) -> Window:
    """A batch of 500 that has been let go so often."""
    window = fresh()
    for _ in range(times):
        acquire(window, 0, [Span(0, 499)], taking(deliveries=deliveries))
        expire(window, 30_000, deliveries)
    return window


@pytest.mark.parametrize(("times", "size"), [(1, 500), (2, 500), (3, 250), (4, 1)])
def test_what_is_delivered_often_is_delivered_with_fewer_others(times: int, size: int) -> None:
    window = redelivered(2) if times > 2 else redelivered(times)
    if times == 2 or times == 1:
        assert acquire(window, 0, [Span(0, 499)], taking()) == [(0, size - 1, times + 1)]
        return
    for count in range(2, times):
        acquire(window, 0, [Span(0, 499)], taking())
        expire(window, 30_000, 5)
        assert window.runs[0].count == count + 1
    assert acquire(window, 0, [Span(0, 499)], taking()) == [(0, size - 1, times + 1)]


def test_a_suspicious_batch_is_delivered_alone() -> None:
    window = redelivered(3)
    acquire(window, 0, [Span(0, 499)], taking())
    assert acquire(window, 0, [Span(0, 499), Span(500, 509)], taking()) == [(250, 499, 4)]
    assert acquire(window, 500, [Span(500, 509)], taking()) == [(500, 509, 1)]


def test_a_group_of_two_deliveries_knows_no_suspicion() -> None:
    window = redelivered(1, deliveries=2)
    assert acquire(window, 0, [Span(0, 499)], taking(deliveries=2)) == [(0, 499, 2)]
    assert [(given.first, given.last) for given in expire(window, 30_000, 2)] == [(0, 499)]
    assert window.start == 500


def test_what_was_kept_is_as_it_was_and_the_rest_was_never_delivered() -> None:
    window = Window(10, [Range(10, 11, 2, 1), Range(14, 15, 0, 3), Range(18, 19, 4, 5)])
    assert (window.start, window.end, window.next_offset()) == (12, 20, 12)
    assert acquire(window, 12, [Span(10, 29)], taking()) == [(12, 13, 1)]
    assert acquire(window, 14, [Span(10, 29)], taking()) == [(14, 14, 4)]
    assert acquire(window, 15, [Span(10, 29)], taking()) == [(15, 15, 4)]
    assert acquire(window, 16, [Span(10, 29)], taking()) == [(16, 17, 1), (20, 29, 1)]
