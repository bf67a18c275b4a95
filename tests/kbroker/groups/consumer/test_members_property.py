"""Members of a consumer group come, go, fall silent and change their minds; topics come, grow and go; answers are lost,
and so is the broker: what holds always.

A client owns a partition from when it takes it up until it lets go of it. Both it does when it likes, as real ones do:
revocation takes time. No two members own the same partition, whatever happens; and when everybody only sends
heartbeats, the group comes to rest within a few rounds.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kbroker.groups.consumer.assignment import Assignment, of_wire
from kbroker.groups.consumer.change import Change
from kbroker.groups.consumer.group import ConsumerGroup
from kbroker.groups.consumer.heartbeat import heartbeat, sign_of_life
from kbroker.groups.consumer.states import GroupState, MemberState
from kbroker.groups.events import ConsumerHeartbeat
from kbroker.groups.settings import Settings
from kbroker.groups.turn import Turn
from kbroker.machine import Effects
from tests.kbroker.groups.bench import Bench
from wire.errors import ErrorCode, KafkaError
from wire.messages.consumer_group_heartbeat import ConsumerGroupHeartbeatResponse

WHO = st.integers(0, 3)
ROUNDS = 6
"""Told to give up, given up, told to have, had: so much it takes, and some more for a target that moves on the way."""

SUBSCRIPTIONS: list[tuple[list[str], str]] = [(["t"], ""), (["t", "u"], ""), ([], "t.*"), (["u"], "v|w")]


class Client:
    def __init__(self, member: str, instance: str | None) -> None:
        self.member = member
        self.instance = instance
        self.topics, self.regex = SUBSCRIPTIONS[0]
        self.assignor: str | None = None
        self.epoch = 0
        self.told: Assignment = {}
        self.owned: Assignment = {}
        self.said: Assignment | None = None  # what the coordinator was last told that this one owns
        self.says_everything = True

    def let_go(self) -> None:
        self.epoch, self.told, self.owned, self.said = 0, {}, {}, None
        self.says_everything = True

    def take_up(self) -> None:
        self.owned = self.told


class Compared(Bench):
    """Whatever is answered on the short way would have been answered the same on the long one."""

    def step(self, event: object, label: str = "") -> Effects:
        if isinstance(event, ConsumerHeartbeat):
            self.compare(event)
        return super().step(event, label)

    def compare(self, event: ConsumerHeartbeat) -> None:
        group = self.machine.store.consumers.get(event.request.group_id)
        if group is None:
            return
        short, long = [Turn(self.now, self.rng, self.settings, self.machine.metadata) for _ in range(2)]
        answer = sign_of_life(group, event, short)
        if answer is not None:
            assert heartbeat(Change(group, long), event) == answer
            assert (short.timers, short.records, short.tasks) == (long.timers, long.records, long.tasks)
            assert not short.records


class Members(RuleBasedStateMachine):
    @initialize(interval=st.sampled_from([0, 0, 2000]), static=st.lists(st.booleans(), min_size=4, max_size=4))
    def begin(self, interval: int, static: list[bool]) -> None:
        self.bench = Compared(Settings(consumer_session_timeout_ms=10_000, assignment_interval_ms=interval))
        self.bench.topic("t", 4)
        self.bench.topic("u", 3)
        self.names = 0
        self.clients = [self.fresh(f"i{at}" if is_static else None) for at, is_static in enumerate(static)]
        self.epochs: dict[object, int] = {}

    def fresh(self, instance: str | None) -> Client:
        self.names += 1
        return Client(f"m{self.names}", instance)

    @property
    def group(self) -> ConsumerGroup | None:
        return self.bench.machine.store.consumers.get("g")

    # --- what clients do --------------------------------------------------------------------------------------------

    def send(self, client: Client) -> ConsumerGroupHeartbeatResponse | KafkaError:
        everything = client.says_everything or client.epoch == 0
        owned = client.owned if everything or client.owned != client.said else None
        client.said = client.owned
        return self.bench.beat(
            client.member,
            client.epoch,
            topics=client.topics if everything else None,
            regex=client.regex if everything else None,
            assignor=client.assignor,
            owned=None if owned is None else dict(owned),
            instance=client.instance,
            rebalance_ms=5_000 if everything else -1,
        )

    def hear(self, client: Client, answer: ConsumerGroupHeartbeatResponse | KafkaError) -> None:
        if isinstance(answer, KafkaError):
            assert client.epoch or answer.code is ErrorCode.UNRELEASED_INSTANCE_ID
            client.let_go()
            return
        assert answer.member_id == client.member
        assert answer.member_epoch >= client.epoch
        client.epoch, client.says_everything = answer.member_epoch, False
        if answer.assignment is not None:
            client.told = of_wire(answer.assignment.topic_partitions)

    @rule(order=st.lists(st.tuples(WHO, st.sampled_from([True, True, True, False])), min_size=1, max_size=8))
    def heartbeats(self, order: list[tuple[int, bool]]) -> None:
        """Of some, in any order; not every answer arrives."""
        for who, arrives in order:
            client = self.clients[who]
            answer = self.send(client)
            if arrives:
                self.hear(client, answer)
            else:
                client.says_everything = True
                # It has said what it owns, and that it owns no more may have counted: what it was told before and has
                # not taken up it must be told again. (The protocol leaves this to the client, also in Apache Kafka.)
                client.told = client.owned
            self.nobody_owns_what_another_owns()

    @rule(who=WHO)
    def take_up(self, who: int) -> None:
        self.clients[who].take_up()

    @rule(who=WHO)
    def let_go_of_some(self, who: int) -> None:
        """Of what it is not to have any more; new ones it takes up later."""
        client = self.clients[who]
        kept = {topic: indexes & client.told.get(topic, frozenset()) for topic, indexes in client.owned.items()}
        client.owned = {topic: indexes for topic, indexes in kept.items() if indexes}

    @rule(who=WHO, times=st.integers(1, 3))
    def all_go_on(self, who: int, times: int) -> None:
        for _ in range(times):
            for client in self.clients[who:] + self.clients[:who]:
                self.hear(client, self.send(client))
                client.take_up()
                self.nobody_owns_what_another_owns()

    @rule(who=WHO)
    def join_again(self, who: int) -> None:
        self.clients[who].let_go()

    @rule(who=WHO, to=st.integers(0, len(SUBSCRIPTIONS) - 1), assignor=st.sampled_from([None, "range", "uniform"]))
    def change_subscription(self, who: int, to: int, assignor: str | None) -> None:
        client = self.clients[who]
        client.topics, client.regex = SUBSCRIPTIONS[to]
        client.assignor = assignor
        client.says_everything = True

    @rule(who=WHO, epoch=st.integers(0, 9))
    def come_with_another_epoch(self, who: int, epoch: int) -> None:
        """Somebody else's mistake: the coordinator must not believe it."""
        client = self.clients[who]
        known = None if self.group is None else self.group.currents.get(client.member)
        if epoch == 0 or known is None or epoch in (known.epoch, known.previous_epoch):
            return
        answer = self.bench.beat(client.member, epoch, instance=client.instance)
        assert isinstance(answer, KafkaError)

    @rule(who=WHO, for_a_while=st.booleans())
    def leave(self, who: int, for_a_while: bool) -> None:
        client = self.clients[who]
        client.let_go()
        epoch = -2 if for_a_while and client.instance is not None else -1
        answer = self.bench.beat(client.member, epoch, instance=client.instance)
        assert isinstance(answer, KafkaError) or answer.member_epoch == epoch
        self.clients[who] = self.fresh(client.instance)

    @rule(who=WHO)
    def die(self, who: int) -> None:
        self.clients[who] = self.fresh(self.clients[who].instance)

    # --- what happens to them ---------------------------------------------------------------------------------------

    @rule(milliseconds=st.sampled_from([1, 2_000, 4_999, 9_999, 10_000]))
    def pass_time(self, milliseconds: int) -> None:
        self.bench.advance(milliseconds)

    @rule()
    def crash(self) -> None:
        assert not self.bench.crash()

    @rule(name=st.sampled_from(["t", "u", "tt", "v"]), partitions=st.sampled_from([None, 1, 3, 5]))
    def topic_changes(self, name: str, partitions: int | None) -> None:
        known = self.bench.metadata.by_name.get(name)
        if partitions is None or known is None or partitions > known.partitions:
            self.bench.topic(name, partitions)

    # --- what holds always ------------------------------------------------------------------------------------------

    @invariant()
    def nobody_owns_what_another_owns(self) -> None:
        """Who is in the group, that is: who has been put out of it has not heard of it yet, perhaps."""
        if self.group is None:
            return
        owners: dict[tuple[bytes, int], str] = {}
        for client in self.clients:
            if client.member not in self.group.members or not client.epoch:
                continue
            current = self.group.currents[client.member]
            for topic_id, indexes in client.owned.items():
                for index in indexes:
                    assert (topic_id, index) not in owners, "two members own one partition"
                    owners[topic_id, index] = client.member
                    held = {*current.assigned.get(topic_id, ()), *current.revoking.get(topic_id, ())}
                    assert index in held, "it reads what the coordinator believes to be free"

    @invariant()
    def the_coordinator_gives_nothing_twice(self) -> None:
        if self.group is None:
            return
        seen: dict[tuple[bytes, int], str] = {}
        for member, current in self.group.currents.items():
            for held in (current.assigned, current.revoking):
                for topic_id, indexes in held.items():
                    for index in indexes:
                        assert (topic_id, index) not in seen
                        seen[topic_id, index] = member
        holders = {(t, i): member for t, indexes in self.group.holders.items() for i, member in indexes.items()}
        assert holders == seen

    @invariant()
    def the_log_says_what_the_machine_believes(self) -> None:
        live, replayed = self.bench.machine.store, self.bench.replayed().store
        assert live.consumers.keys() == replayed.consumers.keys()
        volatile = ("seen", "called", "waits")
        for group_id, group in live.consumers.items():
            again = replayed.consumers[group_id]
            for name in ConsumerGroup.__slots__:
                if name not in volatile:
                    assert getattr(group, name) == getattr(again, name), name

    @invariant()
    def epochs_only_rise(self) -> None:
        group = self.group
        if group is None:
            self.epochs.clear()
            return
        assert group.target_epoch <= group.epoch
        assert self.epochs.get("g", 0) <= group.epoch
        self.epochs["g"] = group.epoch
        for member, current in group.currents.items():
            assert current.epoch <= group.target_epoch
            assert member in group.members

    @invariant()
    def somebody_watches_every_member(self) -> None:
        if self.group is None:
            return
        for member in self.group.members:
            assert ("session", "g", member) in self.bench.timers
            is_revoking = self.group.currents[member].state is MemberState.UNREVOKED_PARTITIONS
            assert (("rebalance", "g", member) in self.bench.timers) == is_revoking
        assert len([key for key in self.bench.timers if key[0] == "session"]) == len(self.group.members)

    def teardown(self) -> None:
        """Those still there come to rest; and again when topics have grown and everybody has missed an answer."""
        if not hasattr(self, "bench"):
            return
        self.bench.settings = Settings(consumer_session_timeout_ms=10_000)
        self.bench.crash()
        for _ in range(3):  # the dead are found out
            self.bench.advance(4_000)
            self.all_go_on(0, 1)
        self.come_to_rest()
        for name in ("t", "u"):
            known = self.bench.metadata.by_name.get(name)
            self.bench.topic(name, 2 if known is None else known.partitions + 1)
        self.heartbeats([(who, False) for who in range(len(self.clients))])
        self.come_to_rest()

    def come_to_rest(self) -> None:
        """They have everything that there is to read between them."""
        self.all_go_on(0, ROUNDS)
        group = self.group
        assert group is not None
        assert group.state is GroupState.STABLE
        assert group.members.keys() == {client.member for client in self.clients}
        names = {name for member in group.members.values() for name in group.subscriptions(member)}
        there = [topic for name, topic in self.bench.metadata.by_name.items() if name in names]
        owned = {(t, i) for client in self.clients for t, indexes in client.owned.items() for i in indexes}
        assert owned == {(topic.id, index) for topic in there for index in range(topic.partitions)}
        before = len(self.bench.log)
        self.all_go_on(0, 1)
        assert len(self.bench.log) == before, "at rest nothing is written"


TestMembers = Members.TestCase
TestMembers.settings = settings(max_examples=100, stateful_step_count=40)
