"""Which pieces are compacted, and which with which."""

from __future__ import annotations

from storage.compaction import Dirt, blocked_until, groups, measure
from storage.engine import Extent

FOREVER = 1 << 62


def pieces(*described: tuple[int, int]) -> list[Extent]:
    last = len(described) - 1
    return [Extent(i * 10, i * 10 + 10, size, time, i < last) for i, (size, time) in enumerate(described)]


LOG = pieces((100, 1), (200, 2), (300, 3), (400, 4))


def test_what_a_run_has_seen_is_clean_and_the_rest_dirty() -> None:
    assert measure(LOG, 10, 40, FOREVER) == Dirt(100, 500, 30)
    assert measure(LOG, 10, 40, FOREVER).ratio == 500 / 600


def test_a_piece_that_was_learned_in_part_is_dirty() -> None:
    assert measure(LOG, 15, 40, FOREVER) == Dirt(100, 500, 30)


def test_the_growing_piece_is_left_alone() -> None:
    assert measure(LOG, 30, 40, FOREVER) == Dirt(600, 0, 30)
    assert measure(LOG, 30, 40, FOREVER).ratio == 0


def test_nothing_beyond_the_stable_end_is_touched() -> None:
    assert measure(LOG, 0, 29, FOREVER) == Dirt(0, 300, 20)


def test_young_pieces_wait() -> None:
    dirt = measure(LOG, 0, 40, 2)
    assert dirt == Dirt(0, 300, 20)
    assert blocked_until(LOG, dirt, 40, 1000) == 1003
    assert blocked_until(LOG, measure(LOG, 0, 40, FOREVER), 40, 1000) is None


def test_clean_pieces_may_be_young() -> None:
    assert measure(LOG, 20, 40, 0) == Dirt(300, 0, 20)


def test_neighbours_that_fit_into_one_piece_become_one() -> None:
    assert groups(LOG, 30, 300) == [LOG[:2], LOG[2:3]]
    assert groups(LOG, 30, 1000) == [LOG[:3]]
    assert groups(LOG, 30, 50) == [LOG[:1], LOG[1:2], LOG[2:3]]
    assert groups(LOG, 15, 300) == [LOG[:2]]
    assert groups([], 0, 100) == []
