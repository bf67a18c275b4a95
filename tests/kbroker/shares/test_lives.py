"""Lives of a share group on a whole broker in virtual time, by seed: members fetch and answer for what they get, locks
expire, the broker is killed, leaders move, topics grow. What is watched from outside, over all of it:

    nobody gets a record that another holds, while the other's lock lasts
    what was accepted, and confirmed, is never delivered again
    in the end every record has been accepted or given up, and none was skipped
    what was given up is in the dead letter queue; twice, or although it is accepted later, if the broker is killed
    between the letter and the state
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from kbroker.catalog import NewTopic
from kbroker.machine import Effects, Reply
from kbroker.shares import partition
from kbroker.shares.coordinator import Shares
from kbroker.shares.kept import Range
from kbroker.shares.machine import ShareStateMachine
from kbroker.shares.window import Window
from tests.kbroker.handlers.share_desk import ShareDesk, acquired, at_a_share_desk
from tests.kbroker.test_dead_letters import ENABLED, letters, said
from tests.kbroker.virtual import passed

LOCK_MS = 2_000
DELIVERIES = 4
GAP, ACCEPT, RELEASE, REJECT = range(4)
MEMBERS = ("a", "b", "c")


class Life:
    def __init__(self, desk: ShareDesk, seed: int) -> None:
        self.desk = desk
        self.dice = Random(seed)
        self.produced = 0
        self.holds: dict[int, tuple[str, int]] = {}  # offset -> who, until when
        self.accepted: set[int] = set()
        self.rejected: set[int] = set()
        self.delivered: dict[int, int] = {}

    async def live(self, steps: int) -> None:
        await self.desk.cluster.catalog.create_topics([NewTopic("dlq.g", 1, configs=ENABLED)])
        await self.desk.configure(
            share_auto_offset_reset="earliest",
            share_record_lock_duration_ms=str(LOCK_MS),
            share_delivery_count_limit=str(DELIVERIES),
            errors_deadletterqueue_topic_name="dlq.g",
        )
        await self.desk.beat("a")
        verbs = [self.produce, self.fetch, self.fetch, self.fetch, self.answer, self.answer, self.wait, self.crash]
        for _ in range(steps):
            await self.dice.choice(verbs)()
        await self.finish()

    async def produce(self) -> None:
        count = self.dice.randint(1, 9)
        assert await self.desk.produce(count) == self.produced
        self.produced += count

    async def fetch(self, member: str = "") -> None:
        member = member or self.dice.choice(MEMBERS)
        answer = await self.desk.fetch(
            member,
            max_records=self.dice.choice([1, 3, 500]),
            batch_size=self.dice.choice([1, 4, 500]),
            share_acquire_mode=self.dice.randint(0, 1),
        )
        if answer.error_code:
            self.desk.epochs[member] = 0  # the client begins anew
            return
        now = self.desk.world.time_ms()
        for first, last, count in acquired(answer):
            for offset in range(first, last + 1):
                holder, until = self.holds.get(offset, ("", 0))
                assert until <= now, f"{holder} holds {offset}"
                assert offset not in self.accepted | self.rejected, f"{offset} was done"
                assert count <= DELIVERIES
                self.holds[offset] = member, now + LOCK_MS
                self.delivered[offset] = self.delivered.get(offset, 0) + 1

    async def answer(self, member: str = "", words: tuple[int, ...] = (ACCEPT, ACCEPT, RELEASE, REJECT)) -> None:
        """For some of what it holds; what it says counts when it is confirmed."""
        member = member or self.dice.choice(MEMBERS)
        now = self.desk.world.time_ms()
        held = sorted([offset for offset, (who, until) in self.holds.items() if who == member and until > now])
        if not held:
            return
        said = {offset: self.dice.choice(words) for offset in held if len(words) == 1 or self.dice.random() < 0.7}
        ranges = [(offset, offset, [word]) for offset, word in said.items()]
        answer = await self.desk.acknowledge(member, *ranges)
        if answer.error_code:
            self.desk.epochs[member] = 0
            return
        if any(one.error_code for topic in answer.responses for one in topic.partitions):
            return
        for offset, word in said.items():
            del self.holds[offset]
            if word == ACCEPT:
                self.accepted.add(offset)
            elif word == REJECT:
                self.rejected.add(offset)

    async def wait(self) -> None:
        await passed(self.dice.choice([0.3, 0.7, 1.1, 2.1]))

    async def crash(self) -> None:
        if self.dice.random() < 0.5:
            return
        await self.desk.restart()
        self.holds.clear()

    async def finish(self) -> None:
        """Everything is accepted that is still to be had."""
        await passed(LOCK_MS / 1000 + 0.1)
        for _ in range(40):
            await self.fetch("a")
            await self.answer("a", (ACCEPT,))
        kept = await self.desk.cluster.shares.summary(("g", self.desk.topic_id("t"), 0))
        dead = {int(said(record)["offset"]) for record in await letters(self.desk)}
        assert self.rejected <= dead, "rejected, and nobody was told"
        assert self.accepted | dead == set(range(self.produced)), "some were skipped"
        assert not self.accepted & self.rejected
        assert kept is not None or not self.produced


def live(seed: int, steps: int = 60) -> None:
    async def test(desk: ShareDesk) -> None:
        await Life(desk, seed).live(steps)

    at_a_share_desk(test, config={"share.coordinator.snapshot.update.records.per.snapshot": "7"})


@pytest.mark.parametrize("seed", range(25))
def test_a_life(seed: int) -> None:
    live(seed)


# --- lives are believed because they end badly with these ---------------------------------------------------------


def forgets_what_was_done(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        ShareStateMachine,
        "_update",
        lambda self, ticket, key, kept, ranges, now: Effects(replies=[Reply(ticket, None)]),
    )


def skips_what_was_not_told(patch: pytest.MonkeyPatch) -> None:
    right = Window.__init__

    def begin(self: Window, start: int, ranges: Sequence[Range] = ()) -> None:
        right(self, max([start, *[each.last + 1 for each in ranges]]))

    patch.setattr(Window, "__init__", begin)


def gives_up_without_a_word(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Shares, "_given", lambda self, given_by, given: None)


def lets_go_too_early(patch: pytest.MonkeyPatch) -> None:
    right = partition.expire
    patch.setattr(partition, "expire", lambda window, now, deliveries: right(window, now + 10_000, deliveries))


@pytest.mark.parametrize(
    "bug", [forgets_what_was_done, skips_what_was_not_told, gives_up_without_a_word, lets_go_too_early]
)
def test_a_planted_bug_ends_badly(bug: object, monkeypatch: pytest.MonkeyPatch) -> None:
    bug(monkeypatch)  # type: ignore[operator]
    with pytest.raises(AssertionError):
        for seed in range(40):
            live(seed)

