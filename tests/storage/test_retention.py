"""What may go by age and by size: whole pieces from the front, as in Kafka."""

from __future__ import annotations

import pytest

from storage.engine import Extent
from storage.retention import FOREVER, by_age, by_size, due

NOW = 10_000


def pieces(*described: tuple[int, int]) -> list[Extent]:
    """Each of ten offsets: (bytes, max timestamp); the last one grows."""
    last = len(described) - 1
    return [Extent(i * 10, i * 10 + 10, size, time, i < last) for i, (size, time) in enumerate(described)]


def test_a_piece_goes_when_its_newest_batch_is_too_old() -> None:
    log = pieces((100, 1000), (100, 2000), (100, 9000))
    assert by_age(log, 0, 30, 8000, NOW) == 10
    assert by_age(log, 0, 30, 7999, NOW) == 20
    assert by_age(log, 0, 30, 8001, NOW) == 10
    assert by_age(log, 0, 30, 9000, NOW) == 0


def test_the_first_piece_that_stays_ends_the_search() -> None:
    assert by_age(pieces((100, 9999), (100, 1), (100, 1)), 0, 30, 1000, NOW) == 0


def test_the_growing_piece_goes_too_when_all_of_it_is_old() -> None:
    assert by_age(pieces((100, 1), (100, 2)), 0, 20, 1000, NOW) == 20


def test_nothing_goes_beyond_the_limit() -> None:
    assert by_age(pieces((100, 1), (100, 2)), 0, 19, 1000, NOW) == 10
    assert by_size(pieces((100, 1), (100, 2)), 0, 9, 0) == 0


def test_a_piece_without_times_is_as_old_as_its_file() -> None:
    nameless, timed = pieces((100, -1), (100, 1))
    assert by_age([nameless._replace(written_ms=8999), timed], 0, 20, 1000, NOW) == 20
    assert by_age([nameless._replace(written_ms=9000), timed], 0, 20, 1000, NOW) == 0
    assert due([nameless._replace(written_ms=9000), timed], 1000) == 10_001


def test_a_piece_of_which_nobody_knows_how_old_it_is_stays() -> None:
    assert by_age(pieces((100, -1), (100, 1)), 0, 20, 1000, NOW) == 0


def test_an_emptied_piece_goes_with_the_next_one() -> None:
    assert by_age(pieces((0, -1), (100, 1), (100, 9999)), 0, 30, 1000, NOW) == 20
    assert by_age(pieces((0, -1), (100, 9999)), 0, 20, 1000, NOW) == 0


def test_for_ever_is_for_ever() -> None:
    log = pieces((100, 1), (100, 2))
    assert by_age(log, 0, 20, FOREVER, NOW) == 0
    assert by_size(log, 0, 20, FOREVER) == 0
    assert due(log, FOREVER) is None


@pytest.mark.parametrize(("keep_bytes", "start"), [(1000, 0), (250, 0), (200, 10), (199, 10), (100, 20), (0, 30)])
def test_at_least_so_many_bytes_are_kept(keep_bytes: int, start: int) -> None:
    assert by_size(pieces((100, 1), (100, 2), (100, 3)), 0, 30, keep_bytes) == start


def test_what_went_by_age_does_not_count_as_size() -> None:
    assert by_size(pieces((100, 1), (100, 2), (100, 3)), 10, 30, 200) == 10


def test_it_is_known_when_the_oldest_piece_will_be_due() -> None:
    log = pieces((0, -1), (100, 1000), (100, 9000))
    at = due(log, 500)
    assert at is not None
    assert by_age(log, 0, 30, 500, at - 1) == 0
    assert by_age(log, 0, 30, 500, at) == 20
    assert due(pieces((100, -1)), 500) is None
    assert due([], 500) is None
