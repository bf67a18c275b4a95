"""Committed offsets: what the scenarios do not show."""

from kbroker.groups.events import OffsetsCheck, TopicsDeleted
from kbroker.groups.offsets.expiry import round_up
from kbroker.groups.settings import Settings

from .bench import Bench, subscription

MINUTE = 60_000


def brief() -> Bench:
    return Bench(Settings(offsets_retention_ms=10 * MINUTE, offsets_check_interval_ms=MINUTE))


def test_nothing_is_polled_while_there_is_nothing_to_expire() -> None:
    bench = brief()
    assert bench.timers == {}
    bench.stable("a", session_ms=1_800_000)
    assert "offsets" not in bench.timers or bench.timers["offsets"].at == round_up(bench.now + 1, MINUTE)
    bench.advance(2 * MINUTE)
    assert "offsets" not in bench.timers


def test_offsets_of_what_is_read_do_not_wake_anybody_up_again() -> None:
    bench = brief()
    [member] = bench.stable("a", session_ms=1_800_000)
    bench.commit({("t", 0): 1}, generation=1, member=member)
    assert bench.timers["offsets"].at == round_up(bench.now + 10 * MINUTE, MINUTE)
    bench.advance(11 * MINUTE)
    assert "offsets" not in bench.timers
    assert bench.fetch() == {("t", 0): (1, 0)}


def test_many_commits_set_one_timer() -> None:
    bench = brief()
    bench.commit({("t", 0): 1})
    at = bench.timers["offsets"].at
    for offset in range(5):
        bench.advance(1000)
        bench.commit({("t", 0): offset})
    assert bench.timers["offsets"].at == at
    bench.advance(11 * MINUTE)
    assert bench.fetch() == {}


def test_a_check_that_comes_for_nothing_looks_when_the_next_can_be() -> None:
    bench = brief()
    bench.commit({("t", 0): 1})
    bench.step(OffsetsCheck())
    assert bench.timers["offsets"].at == round_up(bench.now + 10 * MINUTE, MINUTE)
    assert bench.fetch() == {("t", 0): (1, 0)}


def test_subscriptions_that_cannot_be_read_protect_every_topic() -> None:
    bench = brief()
    [member] = bench.stable("a", session_ms=1_800_000, protocols=[("range", b"?")])
    bench.commit({("t", 0): 1}, generation=1, member=member)
    bench.advance(30 * MINUTE)
    assert bench.fetch() == {("t", 0): (1, 0)}


def test_a_consumer_protects_what_any_of_its_members_reads() -> None:
    bench = brief()
    first = bench.member(bench.join("a", protocols=[("range", subscription("t"))], session_ms=1_800_000))
    bench.sync(first, 1)
    second = bench.join("b", protocols=[("range", subscription("u"))], session_ms=1_800_000)
    again = bench.join("a", first, protocols=[("range", subscription("t"))], session_ms=1_800_000)
    assert bench.answers[again].generation_id == 2
    bench.sync(first, 2)
    bench.sync(bench.member(second), 2)
    bench.commit({("t", 0): 1, ("u", 0): 2, ("v", 0): 3}, generation=2, member=first)
    bench.advance(12 * MINUTE)
    assert bench.fetch() == {("t", 0): (1, 0), ("u", 0): (2, 0)}


def test_an_offset_belongs_to_one_incarnation_of_its_topic() -> None:
    bench = brief()
    old, new = b"o" * 16, b"n" * 16
    bench.commit({("t", 0): 1}, topic_id=old)
    assert bench.fetch({"t": [0]}, topic_id=old) == {("t", 0): (1, 0)}
    assert bench.fetch({"t": [0]}, topic_id=new) == {("t", 0): (-1, 0)}
    assert bench.fetch({"t": [0]}) == {("t", 0): (1, 0)}
    bench.commit({("t", 1): 2}, topic_id=new)
    bench.step(TopicsDeleted({"t": new}))
    assert bench.fetch() == {("t", 1): (2, 0)}
    bench.step(TopicsDeleted({"t": None}))
    assert bench.fetch() == {}


def test_offsets_of_deleted_groups_and_topics_stay_gone_after_a_crash() -> None:
    bench = brief()
    bench.commit({("t", 0): 1, ("u", 0): 2})
    bench.step(TopicsDeleted({"t": None}))
    bench.crash()
    assert bench.fetch() == {("u", 0): (2, 0)}
    assert "offsets" in bench.timers
