"""Who waits for a partition is woken by that partition, and by no other."""

from __future__ import annotations

from kbroker.partitions.waiters import Waiters


def test_a_watcher_hears_every_move_until_it_leaves() -> None:
    waiters, heard = Waiters(), []
    waiters.watch("a", heard.append)
    waiters.moved(1, 10)
    waiters.changed()
    waiters.unwatch("a")
    waiters.moved(2, 20)
    assert heard == [10, 0] and len(waiters) == 0


def test_an_offset_is_reached_once_and_in_order() -> None:
    waiters, reached = Waiters(), []
    for offset in (5, 2, 9, 2):
        waiters.at(offset, lambda offset=offset: reached.append(offset))  # type: ignore[misc]
    waiters.moved(5, 0)
    waiters.moved(6, 0)
    assert reached == [2, 2, 5] and len(waiters) == 1


def test_after_a_change_everybody_looks_and_may_wait_again() -> None:
    waiters, looked = Waiters(), []

    def look() -> None:
        looked.append(len(looked))
        waiters.at(5, look)

    waiters.at(5, look)
    waiters.changed()
    waiters.changed()
    assert looked == [0, 1] and len(waiters) == 1


def test_a_watcher_may_leave_while_it_is_woken() -> None:
    waiters, heard = Waiters(), []
    waiters.watch("a", lambda size: waiters.unwatch("b"))
    waiters.watch("b", heard.append)
    waiters.moved(1, 1)
    waiters.moved(2, 1)
    assert len(heard) <= 1


def test_who_asked_for_the_next_move_is_told_once_and_after_those_who_watch() -> None:
    waiters, told = Waiters(), list[tuple[str, int]]()
    waiters.once("session", lambda size: told.append(("session", size)))
    waiters.watch("fetch", lambda size: told.append(("fetch", size)))
    waiters.moved(1, 100)
    waiters.moved(2, 50)
    assert told == [("fetch", 100), ("session", 100), ("fetch", 50)]


def test_who_is_told_of_a_move_may_ask_for_the_next_one() -> None:
    waiters, told = Waiters(), list[int]()

    def moved(size: int) -> None:
        told.append(size)
        waiters.once("session", moved)

    waiters.once("session", moved)
    waiters.moved(1, 100)
    waiters.changed()
    assert told == [100, 0]
    waiters.not_once("session")
    waiters.moved(2, 50)
    assert told == [100, 0]


def test_a_partition_that_closes_for_a_moment_tells_sessions_and_not_who_is_parked() -> None:
    waiters, told = Waiters(), list[str]()
    waiters.once("session", lambda size: told.append("session"))
    waiters.watch("fetch", lambda size: told.append("fetch"))
    waiters.closed()
    assert told == ["session"]
