"""What has happened to a group, and why: said by machines, kept and logged by the facade."""

from __future__ import annotations

import logging

import pytest

from kbroker.groups.events import Delete
from kbroker.groups.history import KEPT, Happened, Histories, What
from kbroker.groups.settings import Settings
from kbroker.machine import Effects
from tests.kbroker.groups.streams.applications import STATELESS, Member, all_beat
from tests.kbroker.handlers.group_desk import GroupDesk, among_groups
from tests.kbroker.handlers.share_desk import ShareDesk, at_a_share_desk
from tests.kbroker.virtual import passed
from wire.messages.consumer_group_heartbeat import ConsumerGroupHeartbeatResponse
from wire.messages.leave_group import MemberIdentity

from .bench import Bench, subscription


class Told:
    """A bench whose tasks go where the facade would take them."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.histories = Histories()
        self.bench = Bench(settings or Settings(), watch=self._watch)

    def _watch(self, label: str, effects: Effects) -> None:
        for task in effects.tasks:
            assert isinstance(task, Happened)
            self.histories.tell(task)

    def since(self, count: int = 0, group: str = "g") -> list[tuple[str, str, str]]:
        """What, member and cause of the events after the first `count`."""
        return [(each.what.value, each.member, each.cause) for each in self.histories.of(group)[count:]]

    def count(self, group: str = "g") -> int:
        return len(self.histories.of(group))


def test_a_generation_is_told_with_its_causes() -> None:
    told = Told()
    [one] = told.bench.stable("one")
    assert told.since() == [
        ("joined", one, "no reason given"),
        ("generation", "", f"1: 1 member, led by {one}, with range"),
        ("assigned", one, "generation 1, by the leader after 0 ms"),
    ]


def test_who_waited_for_whom_and_how_long() -> None:
    told = Told()
    bench = told.bench
    [one] = bench.stable("one")
    before = told.count()
    two = bench.join("two")
    bench.advance(1_500)
    bench.join("one", one)
    other = bench.member(two)
    assert told.since(before) == [
        ("joined", other, "no reason given"),
        ("rebalance", "", f"waits for {one} to join again"),
        ("waited", one, "the others waited 1500 ms for it to join"),
        ("generation", "", f"2: 2 members, led by {one}, with range"),
    ]


def test_who_does_not_come_back_is_removed_with_the_time_it_had() -> None:
    told = Told()
    bench = told.bench
    [one] = bench.stable("one", session_ms=60_000)
    before = told.count()
    bench.join("two", session_ms=60_000, rebalance_ms=5_000)
    bench.advance(30_000)
    assert ("removed", one, "has not joined again within 30000 ms") in told.since(before)


def test_a_silent_member_is_told_of_with_its_session() -> None:
    told = Told()
    [one] = told.bench.stable("one", session_ms=7_000)
    before = told.count()
    told.bench.advance(7_000)
    assert told.since(before)[0] == ("session expired", one, "silent for 7000 ms")


def test_the_reason_of_who_leaves_is_kept() -> None:
    told = Told()
    [one] = told.bench.stable("one")
    before = told.count()
    told.bench.leave(MemberIdentity(member_id=one, reason="the consumer is being closed"))
    assert told.since(before)[0] == ("left", one, "the consumer is being closed")
    assert told.since(before)[-1] == ("generation", "", "2: 0 members")


def test_heartbeats_by_which_nothing_changes_say_nothing() -> None:
    told = Told()
    bench = told.bench
    [one] = bench.stable("one")
    bench.topic("t", 2)
    bench.beat("c", 0, group="new", topics=["t"])
    app = Member(bench, "s", STATELESS)
    bench.topic("in", 2)
    all_beat(app, times=2)
    counts = [told.count(group) for group in ("g", "new", "app")]
    for _ in range(5):
        bench.heartbeat(one, 1)
        bench.beat("c", 2, group="new")
        app.beat()
    assert [told.count(group) for group in ("g", "new", "app")] == counts


def test_a_consumer_group_tells_epochs_and_waits() -> None:
    told = Told()
    bench = told.bench
    bench.topic("t", 2)
    bench.beat("A", 0, topics=["t"])
    bench.beat("B", 0, topics=["t"])
    told_to_give_up = bench.beat("A", 2)
    assert isinstance(told_to_give_up, ConsumerGroupHeartbeatResponse)
    assert told_to_give_up.assignment is not None
    kept = {each.topic_id: frozenset(each.partitions) for each in told_to_give_up.assignment.topic_partitions}
    bench.advance(700)
    bench.beat("A", 2, owned=kept)
    bench.beat("B", 3)
    assert told.since() == [
        ("joined", "A", "client client at /127.0.0.1"),
        ("epoch", "", "2: A has joined"),
        ("assigned", "", "epoch 2, to 1 members"),
        ("joined", "B", "client client at /127.0.0.1"),
        ("epoch", "", "3: B has joined"),
        ("assigned", "", "epoch 3, to 2 members"),
        ("gives up", "A", "1 partitions, for epoch 3"),
        ("waited", "B", "700 ms for A to give up partitions"),
    ]


def test_topics_that_change_are_named() -> None:
    told = Told()
    bench = told.bench
    bench.topic("t", 2)
    bench.beat("A", 0, topics=["t", "u"])
    before = told.count()
    bench.beat("A", 2)
    bench.topic("t", 5)
    bench.topic("u", 1)
    bench.beat("A", 2)
    assert told.since(before)[0] == ("epoch", "", "3: t has 5 partitions, had 2; u is new, with 1 partitions")
    bench.topic("u", None)
    bench.beat("A", 3)
    assert ("epoch", "", "4: u is gone") in told.since(before)
    bench.crash()
    bench.topic("t", 6)
    bench.beat("A", 3)
    assert ("epoch", "", "5: its topics have changed") in told.since(before), "nobody knows how they were"


def test_a_streams_group_tells_why_it_has_to_wait() -> None:
    told = Told()
    bench = told.bench
    one, two = Member(bench, "one"), Member(bench, "two")
    all_beat(one, times=2)
    bench.topic("in", 4)
    all_beat(one, two)
    one.hear(one.send())
    bench.advance(300)
    one.owned = one.told
    all_beat(one, two)
    assert told.since(group="app") == [
        ("joined", "one", "client client at /127.0.0.1"),
        ("epoch", "", "2: one has joined"),
        ("assigned", "", "epoch 2, to 1 members"),
        ("epoch", "", "3: in is new, with 4 partitions"),
        ("assigned", "", "epoch 3, to 1 members"),
        ("joined", "two", "client client at /127.0.0.1"),
        ("epoch", "", "4: two has joined"),
        ("assigned", "", "epoch 4, to 2 members"),
        ("gives up", "one", "2 tasks, for epoch 4"),
        ("waited", "two", "300 ms for one to give up tasks"),
    ]
    bench.advance(45_000)
    assert ("session expired", "one", "silent for 45000 ms") in told.since(group="app")


def test_a_share_group_tells_who_comes_goes_and_falls_silent() -> None:
    async def test(desk: ShareDesk) -> None:
        await desk.beat("A", 0, "t")
        await desk.beat("B", 0, "t")
        await desk.beat("B", -1)
        await passed(45.1)
        told = [(each.what, each.member, each.cause) for each in desk.cluster.groups.history("g")]
        assert [what for what, member, _ in told if member == "A"] == [What.JOINED, What.EXPIRED]
        assert told[1] == (What.EPOCH, "", "2: A has joined")
        assert (What.LEFT, "B", "on its own") in told
        assert (What.EXPIRED, "A", "silent for 45000 ms") in told

    at_a_share_desk(test)


def test_a_group_that_changes_its_type_says_why() -> None:
    told = Told()
    bench = told.bench
    bench.topic("t", 2)
    one = bench.member(bench.join("one", protocols=[("range", subscription("t"))]))
    bench.sync(one, 1)
    before = told.count()
    bench.beat("A", 0, topics=["t"])
    assert told.since(before)[0] == ("type", "", "from classic to consumer: a member speaks the new protocol")


def test_a_group_that_goes_takes_its_history_along() -> None:
    told = Told()
    [one] = told.bench.stable("one")
    told.bench.leave(one)
    assert told.count()
    told.bench.answer(lambda ticket: Delete(ticket, "g"))
    assert told.count() == 0


def test_only_the_last_events_are_kept() -> None:
    histories = Histories()
    for at in range(KEPT + 20):
        histories.tell(Happened("g", at, What.JOINED, f"m{at}", "why not"))
    assert [each.at_ms for each in histories.of("g")] == list(range(20, KEPT + 20))
    assert histories.of("another") == []


def test_what_nobody_asked_for_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "kbroker.groups"):
        histories = Histories()
        histories.tell(Happened("g", 1, What.JOINED, "m", "no reason given"))
        histories.tell(Happened("g", 2, What.EXPIRED, "m", "silent for 10 ms"))
    assert caplog.messages == ["group g: m session expired: silent for 10 ms"]


def test_the_facade_shows_it_as_a_view() -> None:
    async def test(desk: GroupDesk) -> None:
        member, _ = await desk.member()
        shown = desk.cluster.groups.history("g")
        assert [(each.what, each.member) for each in shown] == [
            (What.JOINED, member),
            (What.GENERATION, ""),
            (What.ASSIGNED, member),
        ]
        desk.cluster.groups.history("g").clear()
        assert desk.cluster.groups.history("g") == shown, "whoever has asked may do with it what it likes"

    among_groups(test)
