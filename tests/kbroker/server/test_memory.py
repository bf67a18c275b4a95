"""What requests may hold together, and buffers used again."""

from kbroker.server.memory import Budget, Pool
from wire.frame import LARGE_BYTES


class Reader:
    def __init__(self) -> None:
        self.woken = 0

    def memory_is_free(self) -> None:
        self.woken += 1


def test_who_waits_is_woken_once_when_there_is_room_again() -> None:
    budget, reader = Budget(100), Reader()
    budget.used = 150
    assert not budget.may_read(reader, inside=False)
    budget.wait(reader)
    budget.give_back(40)
    assert reader.woken == 0
    budget.give_back(10)
    budget.give_back(10)
    assert reader.woken == 1


def test_one_reader_at_a_time_may_complete_its_frame() -> None:
    budget, first, second = Budget(100), Reader(), Reader()
    budget.used = 150
    assert budget.may_read(first, inside=True)
    assert budget.may_read(first, inside=True)
    assert not budget.may_read(second, inside=True)
    budget.wait(second)
    budget.leave(first)
    assert second.woken == 1
    assert budget.may_read(second, inside=True)


def test_a_negative_limit_is_none() -> None:
    budget = Budget(-1)
    budget.used = 1 << 50
    assert budget.may_read(Reader(), inside=False)


def test_a_large_buffer_is_used_again_and_has_the_size_that_was_asked_for() -> None:
    pool = Pool()
    first = pool.take(100_000)
    assert isinstance(first, memoryview)
    assert len(first) == 100_000
    pool.put(first)
    again = pool.take(120_000)
    assert isinstance(again, memoryview)
    assert (again.obj is first.obj, len(again)) == (True, 120_000)
    assert pool.take(120_000) is not again


def test_only_so_much_is_kept() -> None:
    pool = Pool()
    for frame in [pool.take(8 << 20) for _ in range(8)]:
        pool.put(frame)
    assert pool._kept == 32 << 20


def test_what_was_not_needed_for_a_while_is_let_go() -> None:
    told: list[str] = []
    pool = Pool(on_keeping=lambda: told.append("keeps"))
    burst = [pool.take(1 << 20) for _ in range(8)]
    for frame in burst:
        pool.put(frame)
    assert told == ["keeps"]
    assert pool.shrink(), "all of it was needed, just now"
    for _ in range(2):  # one at a time is what it comes down to
        pool.put(pool.take(1 << 20))
        assert pool.shrink()
        assert pool._kept == 1 << 20
    assert not pool.shrink()
    assert pool._kept == 0
    pool.put(pool.take(1 << 20))
    assert told == ["keeps", "keeps"]


def test_what_comes_back_is_overwritten_when_that_is_asked_for() -> None:
    pool = Pool(fill=True)
    small, large = bytearray(b"abc"), pool.take(LARGE_BYTES)
    pool.put(small)
    pool.put(large)
    assert small == b"\xdd\xdd\xdd"
    assert set(large) == {0xDD}
