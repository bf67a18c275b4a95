"""Replicas are marks on one log; the high watermark is the least of those in sync."""

from __future__ import annotations

from kbroker.partitions.replicas import Replicas


def test_a_follower_follows_at_once() -> None:
    replicas = Replicas(1, (1, 2), (1, 2))
    assert replicas.written(5) and (replicas.high_watermark, replicas.mark(2)) == (5, 5)


def test_a_held_follower_holds_the_high_watermark_until_it_is_released() -> None:
    replicas = Replicas(1, (1, 2), (1, 2))
    replicas.written(5)
    replicas.hold(2)
    assert not replicas.written(9) and (replicas.high_watermark, replicas.mark(2)) == (5, 5)
    assert replicas.release(2) and replicas.high_watermark == 9


def test_a_follower_out_of_sync_holds_nothing() -> None:
    replicas = Replicas(1, (1, 2), (1, 2))
    replicas.hold(2)
    replicas.written(4)
    assert replicas.high_watermark == 0
    assert replicas.lead(1, (1, 2), (1,)) and replicas.high_watermark == 4


def test_the_high_watermark_never_goes_back() -> None:
    replicas = Replicas(1, (1, 2), (1, 2))
    replicas.written(5)
    replicas.hold(2, 3)
    assert not replicas.written(6) and replicas.high_watermark == 5


def test_a_new_leader_that_lags_holds_the_high_watermark_until_the_log_is_cut_to_its_mark() -> None:
    replicas = Replicas(1, (1, 2), (1, 2))
    replicas.written(3)
    replicas.hold(2)
    replicas.written(5)
    assert not replicas.lead(2, (1, 2), (1, 2)) and replicas.high_watermark == 3
    replicas.reset(replicas.mark(2))
    assert (replicas.end, replicas.high_watermark, replicas.held) == (3, 3, {})
    replicas.written(4)
    assert replicas.high_watermark == 4


def test_a_node_that_is_away_stands_still_and_catches_up_only_behind_a_leader() -> None:
    replicas = Replicas(1, (1, 2), (1, 2))
    replicas.written(3)
    replicas.stand({2})
    replicas.lead(1, (1, 2), (1,))
    replicas.written(5)
    assert (replicas.mark(2), replicas.high_watermark) == (3, 5)
    replicas.lead(-1, (1, 2), (1,))
    replicas.stand({1})
    assert replicas.mark(2) == 3, "there is nobody to copy from"
    replicas.lead(1, (1, 2), (1, 2))
    replicas.stand(set())
    assert (replicas.mark(1), replicas.mark(2), replicas.held) == (5, 5, {})


def test_a_follower_that_is_held_stays_held_when_its_node_comes_back() -> None:
    replicas = Replicas(1, (1, 2), (1, 2))
    replicas.written(3)
    replicas.stand({2})
    replicas.hold(2)
    replicas.stand(set())
    assert replicas.held == {2: 3}



def test_a_log_that_was_opened_again_ends_where_it_ends() -> None:
    replicas = Replicas(1, (1, 2), (1, 2))
    replicas.hold(2, 9)
    replicas.reset(4)
    assert (replicas.end, replicas.high_watermark, replicas.mark(2)) == (4, 4, 4)
