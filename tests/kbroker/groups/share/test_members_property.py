"""Members of a share group come, go, fall silent and change their minds; topics come, grow and go; the state of
partitions is begun late or not at all; answers are lost, and so is the broker: what holds always.

Nobody is given a partition whose state is not kept. Every request is answered, once. What the log says is what the
machine believes. And when everybody only sends heartbeats, the group comes to rest with every partition read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from kbroker.groups.consumer.assignment import of_wire
from kbroker.groups.events import ForgetShares, InitializeShares, ShareHeartbeat, SharesInitialized
from kbroker.groups.settings import Settings
from kbroker.groups.share import heartbeat, part
from kbroker.groups.share.change import Change
from kbroker.groups.share.group import ShareGroup
from kbroker.groups.share.part import Shares
from kbroker.groups.share.states import GroupState
from kbroker.machine import Effects, Ticket
from tests.kbroker.groups.bench import Bench
from wire.errors import ErrorCode, KafkaError
from wire.messages.share_group_heartbeat import ShareGroupHeartbeatRequest

WHO = st.integers(0, 2)
SUBSCRIPTIONS = (["t"], ["t", "u"], ["u", "v"])
VOLATILE = {"seen"}


class Client:
    def __init__(self, member: str) -> None:
        self.member = member
        self.topics = SUBSCRIPTIONS[0]
        self.epoch = 0
        self.says_everything = True
        self.waits: Ticket | None = None


class Members(RuleBasedStateMachine):
    @initialize(interval=st.sampled_from([0, 0, 2000]))
    def begin(self, interval: int) -> None:
        self.orders: list[InitializeShares] = []
        self.bench = Bench(
            Settings(share_session_timeout_ms=10_000, share_assignment_interval_ms=interval), watch=self.watch
        )
        self.bench.topic("t", 2)
        self.bench.topic("u", 3)
        self.clients = [Client(f"m{number}") for number in range(3)]
        self.last_epoch = 0

    def watch(self, label: str, effects: Effects) -> None:
        for task in effects.tasks:
            if isinstance(task, InitializeShares):
                self.orders.append(task)
            assert not isinstance(task, ForgetShares), "no topic was deleted"

    @property
    def group(self) -> ShareGroup | None:
        return self.bench.machine.store.shares.get("g")

    # --- what clients do --------------------------------------------------------------------------------------------

    def hear(self, client: Client) -> None:
        if client.waits is None or client.waits not in self.bench.answers:
            return
        answer: Any = self.bench.answers[client.waits]
        client.waits = None
        if isinstance(answer, KafkaError):
            client.epoch, client.says_everything = 0, True
            return
        assert (answer.error_code, answer.member_id) == (0, client.member)
        if answer.member_epoch >= 0:
            assert answer.member_epoch >= client.epoch
            client.epoch, client.says_everything = answer.member_epoch, False
        if answer.assignment is not None:
            group = self.group
            assert group is not None
            for topic_id, indexes in of_wire(answer.assignment.topic_partitions).items():
                assert indexes <= group.initialized[topic_id].partitions, "its state is kept"

    def send(self, client: Client, epoch: int | None = None) -> None:
        if client.waits is not None:
            return
        everything = client.says_everything or client.epoch == 0
        request = ShareGroupHeartbeatRequest(
            group_id="g",
            member_id=client.member,
            member_epoch=client.epoch if epoch is None else epoch,
            subscribed_topic_names=client.topics if everything else None,
        )
        client.waits = self.bench.ask(lambda ticket: ShareHeartbeat(ticket, request, "client", "/host"))

    @rule(order=st.lists(st.tuples(WHO, st.sampled_from([True, True, False])), min_size=1, max_size=6))
    def heartbeats(self, order: list[tuple[int, bool]]) -> None:
        for who, arrives in order:
            client = self.clients[who]
            self.send(client)
            if arrives:
                self.hear(client)
            elif client.waits in self.bench.answers:
                client.waits, client.says_everything = None, True

    @rule(who=WHO)
    def leave(self, who: int) -> None:
        client = self.clients[who]
        if client.waits is None and client.epoch:
            self.send(client, -1)
            self.hear(client)
            client.epoch, client.says_everything = 0, True

    @rule(who=WHO, to=st.integers(0, len(SUBSCRIPTIONS) - 1))
    def change_subscription(self, who: int, to: int) -> None:
        self.clients[who].topics, self.clients[who].says_everything = SUBSCRIPTIONS[to], True

    # --- what happens around them -----------------------------------------------------------------------------------

    @rule(succeeds=st.sampled_from([True, True, False]))
    def state_is_begun(self, succeeds: bool) -> None:
        orders, self.orders = self.orders, []
        for order in orders:
            code = ErrorCode.NONE if succeeds else ErrorCode.COORDINATOR_NOT_AVAILABLE
            self.bench.step(SharesInitialized(order.group_id, order.topics, code))
        for client in self.clients:
            self.hear(client)

    @rule(name=st.sampled_from(["t", "u", "v"]), count=st.integers(1, 3))
    def topic_grows(self, name: str, count: int) -> None:
        known = self.bench.metadata.by_name.get(name)
        self.bench.topic(name, count if known is None else known.partitions + 1)

    @rule(elapsed=st.sampled_from([1_000, 4_000, 11_000]))
    def time_passes(self, elapsed: int) -> None:
        self.bench.advance(elapsed)

    @rule()
    def crash(self) -> None:
        lost = self.bench.crash()
        self.orders.clear()
        for client in self.clients:
            if client.waits in lost:
                client.waits, client.says_everything = None, True

    # --- what holds -------------------------------------------------------------------------------------------------

    @invariant()
    def the_log_says_what_the_machine_believes(self) -> None:
        group, again = self.group, self.bench.replayed().store.shares.get("g")
        assert (group is None) == (again is None)
        if group is not None:
            for name in set(ShareGroup.__slots__) - VOLATILE:
                assert getattr(group, name) == getattr(again, name), name

    @invariant()
    def epochs_only_rise_and_everybody_is_watched(self) -> None:
        group = self.group
        if group is None:
            return
        assert self.last_epoch <= group.epoch and group.target_epoch <= group.epoch
        self.last_epoch = group.epoch
        assert group.currents.keys() <= group.members.keys()
        assert group.targets.keys() <= group.members.keys()
        watched = {key[2] for key in self.bench.timers if key[0] == "session"}
        assert watched == group.members.keys()

    @invariant()
    def who_waits_will_be_answered(self) -> None:
        if self.bench.open:
            assert self.orders, "there is something that they wait for"

    def teardown(self) -> None:
        if not hasattr(self, "bench"):
            return
        self.bench.settings = Settings(share_session_timeout_ms=10_000)
        self.crash()
        for _ in range(6):
            for client in self.clients:
                self.send(client)
            self.state_is_begun(True)
            self.bench.advance(100)
        group = self.group
        assert group is not None
        assert (group.state, group.epoch) == (GroupState.STABLE, group.target_epoch)
        assert group.members.keys() == {client.member for client in self.clients}
        names = {name for client in self.clients for name in client.topics}
        there = [topic for name, topic in self.bench.metadata.by_name.items() if name in names]
        held = [current.assigned.items() for current in group.currents.values()]
        read = {(topic_id, index) for assigned in held for topic_id, indexes in assigned for index in indexes}
        assert read == {(topic.id, index) for topic in there for index in range(topic.partitions)}
        before = len(self.bench.log)
        for client in self.clients:
            self.send(client)
            self.hear(client)
        assert len(self.bench.log) == before, "at rest nothing is written"


TestMembers = Members.TestCase
TestMembers.settings = settings(max_examples=60, stateful_step_count=30)


# --- the property is believed because it finds these ----------------------------------------------------------------

Patch = Callable[[pytest.MonkeyPatch], None]


def gives_out_what_is_not_kept(patch: pytest.MonkeyPatch) -> None:
    right = part.retarget

    def retarget(change: Change) -> None:
        real = change.initialized
        change.initialized = {**change.initializing, **change.initialized}
        right(change)
        change.initialized = real

    patch.setattr(part, "retarget", retarget)


def forgets_who_waits(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Shares, "_answer_waiting", lambda self, group_id, change, turn: None)


def orders_only_once(patch: pytest.MonkeyPatch) -> None:
    right = Shares._initialize
    patch.setattr(
        Shares, "_initialize", lambda self, change: None if change.group.initializing else right(self, change)
    )


def watches_nobody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(heartbeat, "watch_session", lambda group_id, member_id, turn: None)


def leaves_a_target_behind(patch: pytest.MonkeyPatch) -> None:
    right = Change.remove_member

    def remove_member(self: Change, member_id: str) -> None:
        kept = self.targets.pop(member_id, None)
        right(self, member_id)
        if kept is not None:
            self.targets[member_id] = kept

    patch.setattr(Change, "remove_member", remove_member)


@pytest.mark.parametrize(
    "bug",
    [gives_out_what_is_not_kept, forgets_who_waits, orders_only_once, watches_nobody, leaves_a_target_behind],
)
def test_a_planted_bug_is_found(bug: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    bug(monkeypatch)
    patience = settings(
        max_examples=150, stateful_step_count=30, derandomize=True, database=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    with pytest.raises((AssertionError, KeyError)):
        run_state_machine_as_test(Members, settings=patience)  # type: ignore[no-untyped-call]
