"""Fetch sessions (KIP-227): who gets one, what an increment means, and that nothing is ever left untold."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kbroker.partitions.waiters import Waiters
from kbroker.server.sessions import IDLE_S, MAX_EPOCH, Fetch, FetchSessions, Interest
from wire.errors import ErrorCode, KafkaError
from wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic, ForgottenTopic, PartitionData

Wanted = dict[tuple[str, int], int]


def request(epoch: int, session: int = 0, wanted: Wanted | None = None, forgotten: Any = ()) -> FetchRequest:
    topics: dict[str, FetchTopic] = {}
    for (topic, index), offset in (wanted or {}).items():
        asked = FetchPartition(partition=index, fetch_offset=offset, partition_max_bytes=1000)
        topics.setdefault(topic, FetchTopic(topic=topic, partitions=[])).partitions.append(asked)
    return FetchRequest(
        max_wait_ms=0,
        min_bytes=0,
        session_id=session,
        session_epoch=epoch,
        topics=list(topics.values()),
        forgotten_topics_data=[ForgottenTopic(topic=topic, partitions=[index]) for topic, index in forgotten],
    )


class Told(PartitionData):
    """As handlers tell of a partition: they know who asked."""

    __slots__ = ("interest",)
    interest: Interest


def data(index: int, *, records: bytes = b"", high_watermark: int = 5, log_start: int = 0, error: int = 0) -> Told:
    return Told(
        partition_index=index, error_code=error, high_watermark=high_watermark, log_start_offset=log_start,
        aborted_transactions=None, records=records,
    )  # fmt: skip


def tell(fetch: Fetch, **answers: Told) -> list[tuple[Any, int]]:
    """Which partitions are sent when all have answered; t0=... stands for partition 0 of topic t."""
    told = [answers.get(f"{one.topic}{one.index}", data(one.index)) for one in fetch.interests]
    return [(each.interest.topic, each.interest.index) for each in select(fetch, told)]


def select(fetch: Fetch, told: list[Told]) -> Sequence[Told]:
    for interest, each in zip(fetch.interests, told, strict=True):
        each.interest = interest
    return fetch.select(told)


def sessions(slots: int = 10) -> FetchSessions:
    return FetchSessions(slots, Random(1))


def refused(cache: FetchSessions, asked: FetchRequest, by_id: bool = False) -> ErrorCode:
    with pytest.raises(KafkaError) as error:
        cache.resolve(asked, by_id, 0.0)
    return error.value.code


T0, T1, U0 = ("t", 0), ("t", 1), ("u", 0)


def test_a_full_request_without_a_session_tells_everything_and_keeps_nothing() -> None:
    cache = sessions()
    fetch = cache.resolve(request(-1, wanted={T0: 0, T1: 0}), False, 0.0)
    assert fetch.session_id == 0 and tell(fetch) == [T0, T1] and len(cache) == 0


def test_a_new_session_tells_everything_once_and_then_only_news() -> None:
    cache = sessions()
    first = cache.resolve(request(0, wanted={T0: 0, T1: 0}), False, 0.0)
    assert first.session_id > 0 and tell(first) == [T0, T1]
    second = cache.resolve(request(1, first.session_id), False, 0.0)
    assert second.session_id == first.session_id and tell(second) == []


@pytest.mark.parametrize(
    "news", [data(1, records=b"x"), data(1, high_watermark=6), data(1, log_start=1), data(1, error=3)]
)
def test_records_a_watermark_a_log_start_and_an_error_are_news(news: PartitionData) -> None:
    cache = sessions()
    first = cache.resolve(request(0, wanted={T0: 0, T1: 0}), False, 0.0)
    tell(first)
    assert tell(cache.resolve(request(1, first.session_id), False, 0.0), t1=news) == [T1]


def test_after_an_error_the_next_good_answer_is_news_again() -> None:
    cache = sessions()
    session = cache.resolve(request(0, wanted={T0: 0}), False, 0.0)
    tell(session)
    broken = data(0, error=6, high_watermark=-1, log_start=-1)
    assert tell(cache.resolve(request(1, session.session_id), False, 0.0), t0=broken) == [T0]
    assert tell(cache.resolve(request(2, session.session_id), False, 0.0)) == [T0]
    assert tell(cache.resolve(request(3, session.session_id), False, 0.0)) == []


def test_an_increment_adds_changes_and_forgets() -> None:
    cache = sessions()
    session = cache.resolve(request(0, wanted={T0: 0, T1: 0}), False, 0.0)
    tell(session)
    fetch = cache.resolve(request(1, session.session_id, {T1: 7, U0: 3}, [T0]), False, 0.0)
    assert [(one.topic, one.index, one.fetch_offset) for one in fetch.interests] == [("t", 1, 7), ("u", 0, 3)]
    assert tell(fetch) == [U0], "what is new is told, what was asked anew is not"


def test_who_has_got_records_goes_to_the_end_of_the_order() -> None:
    cache = sessions()
    session = cache.resolve(request(0, wanted={T0: 0, T1: 0, U0: 0}), False, 0.0)
    tell(session, t0=data(0, records=b"x"))
    fetch = cache.resolve(request(1, session.session_id), False, 0.0)
    assert [(one.topic, one.index) for one in fetch.interests] == [T1, U0, T0]


def test_an_unknown_session_is_refused() -> None:
    assert refused(sessions(), request(1, 77)) == ErrorCode.FETCH_SESSION_ID_NOT_FOUND


def test_another_epoch_than_the_next_is_refused_and_the_session_lives_on() -> None:
    cache = sessions()
    session = cache.resolve(request(0, wanted={T0: 0}), False, 0.0)
    tell(session)
    assert refused(cache, request(2, session.session_id)) == ErrorCode.INVALID_FETCH_SESSION_EPOCH
    assert tell(cache.resolve(request(1, session.session_id), False, 0.0)) == []
    assert refused(cache, request(1, session.session_id)) == ErrorCode.INVALID_FETCH_SESSION_EPOCH


def test_after_the_greatest_epoch_comes_1() -> None:
    cache = sessions()
    session = cache.resolve(request(0, wanted={T0: 0}), False, 0.0)
    cache._sessions[session.session_id].epoch = MAX_EPOCH
    cache.resolve(request(MAX_EPOCH, session.session_id), False, 0.0)
    assert cache.resolve(request(1, session.session_id), False, 0.0).session_id == session.session_id


@pytest.mark.parametrize("by_id", [False, True])
def test_a_session_keeps_to_names_or_to_ids(by_id: bool) -> None:
    cache = sessions()
    session = cache.resolve(request(0, wanted={T0: 0}), by_id, 0.0)
    assert refused(cache, request(1, session.session_id), not by_id) == ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR


@pytest.mark.parametrize("epoch", [0, -1])
def test_a_full_request_ends_the_session_that_it_names(epoch: int) -> None:
    cache = sessions()
    session = cache.resolve(request(0, wanted={T0: 0}), False, 0.0)
    again = cache.resolve(request(epoch, session.session_id, {T0: 0}), False, 0.0)
    assert again.session_id != session.session_id
    assert refused(cache, request(1, session.session_id)) == ErrorCode.FETCH_SESSION_ID_NOT_FOUND


def test_a_session_without_partitions_ends_and_the_answer_has_no_id() -> None:
    cache = sessions()
    session = cache.resolve(request(0, wanted={T0: 0}), False, 0.0)
    last = cache.resolve(request(1, session.session_id, forgotten=[T0]), False, 0.0)
    assert (last.session_id, tell(last), len(cache)) == (0, [], 0)


def test_an_empty_full_request_makes_no_session() -> None:
    cache = sessions()
    assert cache.resolve(request(0), False, 0.0).session_id == 0 and len(cache) == 0


def test_the_last_word_counts_for_a_partition_that_is_named_twice() -> None:
    asked = request(-1, wanted={T0: 1})
    asked.topics.append(request(-1, wanted={T0: 2}).topics[0])
    fetch = sessions().resolve(asked, False, 0.0)
    assert [one.fetch_offset for one in fetch.interests] == [2]


def test_two_consumers_share_a_cache_of_one_and_both_can_read() -> None:
    cache = sessions(1)
    first = cache.resolve(request(0, wanted={T0: 0}), False, 0.0)
    second = cache.resolve(request(0, wanted={T0: 0}), False, IDLE_S - 1)
    assert first.session_id > 0 and second.session_id == 0
    assert tell(second) == [T0], "without a session everything is told, and nobody is thrown out"
    assert cache.resolve(request(1, first.session_id), False, IDLE_S - 1).session_id == first.session_id


def test_a_session_that_nobody_has_used_for_two_minutes_makes_room() -> None:
    cache = sessions(2)
    idle = cache.resolve(request(0, wanted={T0: 0}), False, 0.0)
    busy = cache.resolve(request(0, wanted={T0: 0}), False, 1.0)
    cache.resolve(request(1, idle.session_id), False, 2.0)
    new = cache.resolve(request(0, wanted={T0: 0}), False, IDLE_S + 1.5)
    assert new.session_id > 0
    assert refused(cache, request(1, busy.session_id)) == ErrorCode.FETCH_SESSION_ID_NOT_FOUND
    assert cache.resolve(request(2, idle.session_id), False, IDLE_S + 2).session_id == idle.session_id


def test_no_slots_no_sessions() -> None:
    assert sessions(0).resolve(request(0, wanted={T0: 0}), False, 0.0).session_id == 0


# --- what is looked at ------------------------------------------------------------------------------------------------


def looked_at(fetch: Fetch) -> list[tuple[Any, int]]:
    return [(one.topic, one.index) for one in fetch.interests]


def quiet(view: object = "view") -> tuple[FetchSessions, int, dict[tuple[str, int], Waiters]]:
    """A session of three partitions that have nothing more to tell, and next epoch 1."""
    cache, waiters = sessions(1), {key: Waiters() for key in (T0, T1, U0)}
    fetch = cache.resolve(request(0, wanted={T0: 5, T1: 5, U0: 5}), False, 0.0, view)
    for interest, its in zip(fetch.interests, waiters.values(), strict=True):
        interest.watch(its)
    tell(fetch)
    return cache, fetch.session_id, waiters


def test_only_partitions_that_have_moved_are_looked_at() -> None:
    cache, session, waiters = quiet()
    assert looked_at(cache.resolve(request(1, session), False, 0.0, "view")) == []
    waiters[T1].moved(6, 100)
    assert looked_at(cache.resolve(request(2, session), False, 0.0, "view")) == [T1]
    waiters[T0].changed()
    assert looked_at(cache.resolve(request(3, session), False, 0.0, "view")) == [T0, T1], "T1 was not answered yet"


@pytest.mark.parametrize("view", ["another", None])
def test_with_another_view_all_partitions_are_looked_at(view: object) -> None:
    cache, session, _ = quiet()
    assert looked_at(cache.resolve(request(1, session), False, 0.0, view)) == [T0, T1, U0]
    assert looked_at(cache.resolve(request(2, session), False, 0.0, "view")) == [], "nothing was answered in that view"


def test_what_is_asked_anew_is_looked_at() -> None:
    cache, session, _ = quiet()
    assert looked_at(cache.resolve(request(1, session, {U0: 3}), False, 0.0, "view")) == [U0]


def test_a_parked_request_hears_of_partitions_that_it_has_not_looked_at() -> None:
    cache, session, waiters = quiet()
    fetch, heard = cache.resolve(request(1, session), False, 0.0, "view"), list[Any]()

    def hear(of: Waiters | None, size: int) -> None:
        heard.append((of, size))

    fetch.hear(hear)
    waiters[U0].moved(6, 100)
    waiters[U0].moved(7, 100)
    assert heard == [(waiters[U0], 100)]
    assert [(one.topic, one.index) for one in fetch.look()] == [U0]
    fetch.leave(hear)
    waiters[T0].moved(6, 100)
    assert len(heard) == 1


@pytest.mark.parametrize("how", ["a full request", "everything forgotten", "another one that needs the place"])
def test_a_session_that_has_ended_is_told_nothing_more(how: str) -> None:
    cache, session, waiters = quiet()
    if how == "a full request":
        cache.resolve(request(-1, session, {T0: 0}), False, 0.0)
    elif how == "everything forgotten":
        cache.resolve(request(1, session, forgotten=[T0, T1, U0]), False, 0.0)
    else:
        cache.resolve(request(0, wanted={T0: 0}), False, IDLE_S)
    assert all(not its._once for its in waiters.values()), "partitions keep nothing of it"


class TheClientKnowsAll(RuleBasedStateMachine):
    """Two clients read the same partitions: one by full requests, one by increments. They always know the same."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = sessions(1)
        self.truth = {("t", index): data(index, high_watermark=0) for index in range(4)}
        self.wanted: Wanted = {("t", 0): 0}
        self.known: dict[tuple[str, int], tuple[int, int, int]] = {}
        self.session, self.epoch = 0, 0
        self.sent: set[tuple[str, int]] = set()
        self.fetched = False

    @rule(
        index=st.integers(0, 3),
        high_watermark=st.integers(0, 9),
        log_start=st.integers(0, 2),
        error=st.sampled_from([0, 0, 3]),
    )
    def the_broker_moves(self, index: int, high_watermark: int, log_start: int, error: int) -> None:
        moved = data(index, high_watermark=high_watermark, log_start=log_start)
        self.truth["t", index] = data(index, high_watermark=-1, log_start=-1, error=error) if error else moved
        self.fetched = False

    @rule(index=st.integers(0, 3))
    def the_client_adds(self, index: int) -> None:
        self.wanted.setdefault(("t", index), 0)
        self.fetched = False

    @rule(index=st.integers(0, 3))
    @precondition(lambda self: len(self.wanted) > 1)
    def the_client_forgets(self, index: int) -> None:
        self.wanted.pop(("t", index), None)
        if not self.wanted:
            self.wanted["t", 0] = 0
        self.fetched = False

    @rule()
    def the_session_is_lost(self) -> None:
        self.cache._sessions.clear()

    @rule()
    def fetch(self) -> None:
        if self.epoch > 0 and self.session:
            changed = {key: 0 for key in self.wanted if key not in self.sent}
            asked = request(self.epoch, self.session, changed, [key for key in self.sent if key not in self.wanted])
        else:
            self.known = {}
            asked = request(0, self.session, self.wanted)
        try:
            fetch = self.cache.resolve(asked, False, 0.0)
        except KafkaError:
            self.session = self.epoch = 0
            self.fetch()
            return
        told = select(fetch, [self.truth[one.topic, one.index] for one in fetch.interests])  # type: ignore[index]
        for answer in told:
            key = (str(answer.interest.topic), answer.interest.index)
            self.known[key] = (answer.error_code, answer.high_watermark, answer.log_start_offset)
        self.known = {key: value for key, value in self.known.items() if key in self.wanted}
        self.session, self.epoch = fetch.session_id, self.epoch + 1 if fetch.session_id else 0
        self.sent = set(self.wanted)
        self.fetched = True

    @invariant()
    def knows_what_a_full_request_would_tell(self) -> None:
        if self.fetched:
            assert self.known == {
                key: (self.truth[key].error_code, self.truth[key].high_watermark, self.truth[key].log_start_offset)
                for key in self.wanted
            }


TestTheClientKnowsAll = TheClientKnowsAll.TestCase
TestTheClientKnowsAll.settings = settings(max_examples=50, stateful_step_count=30)
