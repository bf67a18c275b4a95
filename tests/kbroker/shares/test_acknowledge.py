"""What a member may say of records, what becomes of them, and what is kept of that."""

from collections.abc import Sequence

import pytest

from kbroker.shares.acknowledge import Given, Said, acknowledge, expire, release
from kbroker.shares.acquire import Span, Taking, acquire
from kbroker.shares.kept import Range
from kbroker.shares.window import Window
from wire.errors import ErrorCode, KafkaError

GAP, ACCEPT, RELEASE, REJECT, RENEW = range(5)
AVAILABLE, ACKNOWLEDGED, ARCHIVED = 0, 2, 4


def held(last: int = 9, start: int = 0, member: str = "m") -> Window:
    window = Window(start)
    acquire(window, start, [Span(start, last)], Taking(member, 100, 500, 500))
    return window


def say(window: Window, *said: tuple[int, int, Sequence[int]], member: str = "m", deliveries: int = 5) -> list[Given]:
    return acknowledge(window, member, [Said(*each) for each in said], 200, deliveries)


def refusal(window: Window, *said: tuple[int, int, Sequence[int]], member: str = "m") -> ErrorCode:
    before = [(run.first, run.last, run.state, run.member) for run in window.runs]
    with pytest.raises(KafkaError) as error:
        say(window, *said, member=member)
    assert [(run.first, run.last, run.state, run.member) for run in window.runs] == before
    assert window.changed == []
    return error.value.code


def test_what_is_accepted_in_front_is_done_and_forgotten() -> None:
    window = held()
    say(window, (0, 3, [ACCEPT]))
    assert (window.start, window.size, window.changed) == (4, 6, [Range(0, 3, ACKNOWLEDGED, 1)])


def test_what_is_accepted_further_back_waits_for_what_is_before_it() -> None:
    window = held()
    say(window, (3, 9, [ACCEPT]))
    assert (window.start, window.done) == (0, 7)
    say(window, (0, 2, [ACCEPT]))
    assert (window.start, window.end, window.runs) == (10, 10, [])


def test_each_record_may_have_a_word_of_its_own() -> None:
    window = held()
    given = say(window, (0, 4, [ACCEPT, RELEASE, REJECT, GAP, ACCEPT]))
    assert window.changed == [
        Range(0, 0, ACKNOWLEDGED, 1),
        Range(1, 1, AVAILABLE, 1),
        Range(2, 2, ARCHIVED, 1),
        Range(3, 3, ARCHIVED, 1),
        Range(4, 4, ACKNOWLEDGED, 1),
    ]
    assert given == [Given(2, 2, 1, True)], "a gap was no record"
    assert (window.start, window.next_offset()) == (1, 1)


def test_a_record_is_released_until_it_has_been_delivered_often_enough() -> None:
    window = held()
    assert say(window, (0, 9, [RELEASE]), deliveries=2) == []
    acquire(window, 0, [Span(0, 9)], Taking("m", 100, 500, 500, deliveries=2))
    assert say(window, (0, 9, [RELEASE]), deliveries=2) == [Given(0, 9, 2, False)]
    assert window.start == 10


def test_a_renewed_lock_holds_longer_and_nothing_is_kept() -> None:
    window = held()
    say(window, (0, 4, [RENEW]))
    assert window.changed == []
    assert (window.next_expiry(), expire(window, 100, 5)) == (100, [])
    assert [(run.first, run.last, run.member) for run in window.runs] == [(0, 4, "m"), (5, 9, "")]


def test_one_wrong_word_and_nothing_has_happened() -> None:
    assert refusal(held(), (0, 1, [ACCEPT]), (9, 10, [ACCEPT])) is ErrorCode.INVALID_REQUEST
    assert refusal(held(), (0, 1, [ACCEPT]), (2, 2, [9])) is ErrorCode.INVALID_REQUEST
    assert refusal(held(), (0, 5, [ACCEPT]), (5, 9, [ACCEPT])) is ErrorCode.INVALID_RECORD_STATE


def test_records_behind_the_window_are_no_valid_request() -> None:
    assert refusal(held(), (10, 12, [ACCEPT])) is ErrorCode.INVALID_REQUEST


def test_nobody_acknowledges_what_another_holds_or_nobody() -> None:
    assert refusal(held(), (0, 9, [ACCEPT]), member="other") is ErrorCode.INVALID_RECORD_STATE
    window = held()
    release(window, "m", 5)
    window.changed.clear()
    assert refusal(window, (0, 9, [ACCEPT])) is ErrorCode.INVALID_RECORD_STATE
    assert refusal(Window(0), (0, 9, [ACCEPT])) is ErrorCode.INVALID_RECORD_STATE


def test_there_is_nothing_to_say_of_what_is_below_the_start() -> None:
    window = held()
    say(window, (0, 4, [ACCEPT]))
    window.changed.clear()
    say(window, (0, 2, [ACCEPT]))
    say(window, (0, 6, [RELEASE]))
    assert window.changed == [Range(5, 6, AVAILABLE, 1)]
    assert window.start == 5


def test_locks_expire_at_their_time() -> None:
    window = held()
    assert expire(window, 99, 5) == [] and window.next_offset() == 10
    assert expire(window, 100, 5) == [] and window.next_offset() == 0
    assert window.changed == [Range(0, 9, AVAILABLE, 1)]


def test_a_lock_that_expires_for_the_last_time_gives_the_records_up() -> None:
    window = held()
    assert expire(window, 100, 1) == [Given(0, 9, 1, False)]
    assert window.start == 10


def test_a_session_that_ends_lets_go_of_what_its_member_holds_and_of_nothing_else() -> None:
    window = held()
    acquire(window, 10, [Span(10, 19)], Taking("other", 100, 500, 500))
    release(window, "m", 5)
    assert [(run.first, run.member) for run in window.runs] == [(0, ""), (10, "other")]


def test_what_the_log_has_lost_is_forgotten_whoever_held_it() -> None:
    window = held()
    say(window, (7, 9, [RELEASE]))
    window.forget_below(5)
    assert (window.start, [(run.first, run.last) for run in window.runs]) == (5, [(5, 6), (7, 9)])
    window.forget_below(50)
    assert (window.start, window.end, window.runs, window.next_offset()) == (50, 50, [], 50)
