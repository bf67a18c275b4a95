"""Members of a streams group come, go and fall silent; topics come, grow and go; answers are lost, and the broker, too:
what holds always.

A member has a task from when it takes it up until it lets go of it. Both it does when it likes, as real ones do. No two
members run the same task, no two members of a process have the same task in any role, whatever happens; and when
everybody only sends heartbeats, the group comes to rest within a few rounds.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kbroker.groups.settings import Settings
from kbroker.groups.streams.group import StreamsGroup
from kbroker.groups.streams.heartbeat import Beat
from kbroker.groups.streams.settings import StreamsSettings
from kbroker.groups.streams.states import GroupState, MemberState
from kbroker.groups.streams.tasks import NOTHING, Task, Tasks
from tests.kbroker.groups.bench import Bench
from wire.errors import ErrorCode, KafkaError

from .applications import Member, internal, subtopology, topology

WHO = st.integers(0, 3)
ROUNDS = 7
"""Told to give up, given up, told to have, had: so much it takes, and some more for a target that moves on the way, and
for roles that change within a process.
"""

APPLICATION = topology(
    subtopology("0", "in", changelogs=[internal("app-store")]),
    subtopology("1", "other"),
)
SIZES = {"in": 4, "app-store": 4, "other": 3}


class Client(Member):
    """A member that may miss answers, and takes up what it is told when it likes."""

    said: Tasks | None = None

    def let_go(self) -> None:
        self.epoch, self.told, self.owned, self.said = 0, NOTHING, NOTHING, None


class Members(RuleBasedStateMachine):
    @initialize(
        interval=st.sampled_from([0, 0, 2_000]),
        delay=st.sampled_from([0, 0, 1_000]),
        standbys=st.integers(0, 2),
        static=st.lists(st.booleans(), min_size=4, max_size=4),
        processes=st.lists(st.sampled_from("pq"), min_size=4, max_size=4),
    )
    def begin(self, interval: int, delay: int, standbys: int, static: list[bool], processes: list[str]) -> None:
        streams = StreamsSettings(
            session_timeout_ms=10_000,
            assignment_interval_ms=interval,
            initial_rebalance_delay_ms=delay,
            standby_replicas=standbys,
        )
        self.bench = Bench(Settings(streams=streams))
        for name, partitions in SIZES.items():
            self.bench.topic(name, partitions)
        self.names = 0
        self.epoch = 0
        self.clients = [
            self.fresh(process, f"i{at}" if is_static else None)
            for at, (is_static, process) in enumerate(zip(static, processes, strict=True))
        ]

    def fresh(self, process: str, instance: str | None) -> Client:
        self.names += 1
        return Client(self.bench, f"m{self.names}", APPLICATION, process, instance)

    @property
    def group(self) -> StreamsGroup | None:
        return self.bench.machine.store.streams.get("app")

    # --- what clients do --------------------------------------------------------------------------------------------

    def send_from(self, client: Client) -> Beat | KafkaError:
        answer = client.send(says=client.owned != client.said)
        client.said = client.owned
        return answer

    def hear(self, client: Client, answer: Beat | KafkaError) -> None:
        if isinstance(answer, KafkaError):
            assert client.epoch or answer.code is ErrorCode.UNRELEASED_INSTANCE_ID
            client.let_go()
            return
        assert answer.response.member_epoch >= client.epoch
        client.hear(answer)

    @rule(order=st.lists(st.tuples(WHO, st.sampled_from([True, True, True, False])), min_size=1, max_size=8))
    def heartbeats(self, order: list[tuple[int, bool]]) -> None:
        """Of some, in any order; not every answer arrives."""
        for who, arrives in order:
            client = self.clients[who]
            answer = self.send_from(client)
            if arrives:
                self.hear(client, answer)
            else:
                client.said = None
                client.told = client.owned  # what it was told before and has not taken up it must be told again
            self.nobody_runs_what_another_runs()

    @rule(who=WHO)
    def take_up(self, who: int) -> None:
        self.clients[who].owned = self.clients[who].told

    @rule(who=WHO)
    def let_go_of_some(self, who: int) -> None:
        """Of what it is not to have any more; new tasks it takes up later."""
        client = self.clients[who]
        client.owned = Tasks(*[mine & told for mine, told in zip(client.owned, client.told, strict=True)])

    @rule(who=WHO, times=st.integers(1, 3))
    def all_go_on(self, who: int, times: int) -> None:
        for _ in range(times):
            for client in self.clients[who:] + self.clients[:who]:
                self.hear(client, self.send_from(client))
                self.nobody_runs_what_another_runs()
                client.owned = client.told
                self.nobody_runs_what_another_runs()

    @rule(who=WHO)
    def join_again(self, who: int) -> None:
        self.clients[who].let_go()

    @rule(who=WHO, epoch=st.integers(1, 9))
    def come_with_another_epoch(self, who: int, epoch: int) -> None:
        """Somebody else's mistake: the coordinator must not believe it."""
        client = self.clients[who]
        known = None if self.group is None else self.group.currents.get(client.id)
        if known is None or epoch not in (known.epoch, known.previous_epoch):
            assert isinstance(client.send(epoch, says=False), KafkaError)

    @rule(who=WHO, for_a_while=st.booleans())
    def leave(self, who: int, for_a_while: bool) -> None:
        client = self.clients[who]
        client.let_go()
        epoch = -2 if for_a_while and client.instance is not None else -1
        answer = client.send(epoch)
        assert isinstance(answer, KafkaError) or answer.response.member_epoch == epoch
        self.clients[who] = self.fresh(client.process, client.instance)

    @rule(who=WHO)
    def die(self, who: int) -> None:
        self.clients[who] = self.fresh(self.clients[who].process, self.clients[who].instance)

    # --- what happens to them ---------------------------------------------------------------------------------------

    @rule(milliseconds=st.sampled_from([1, 2_000, 4_999, 9_999, 10_000]))
    def pass_time(self, milliseconds: int) -> None:
        self.bench.advance(milliseconds)

    @rule()
    def crash(self) -> None:
        assert not self.bench.crash()

    @rule(name=st.sampled_from(["in", "other"]), partitions=st.sampled_from([None, 1, 3, 5]))
    def topic_changes(self, name: str, partitions: int | None) -> None:
        """Whoever makes a source topic larger makes its changelog anew."""
        known = self.bench.metadata.by_name.get(name)
        if partitions is None or known is None or partitions > known.partitions:
            self.bench.topic(name, partitions)
            if name == "in" and partitions is not None:
                self.bench.topic("app-store", None)
                self.bench.topic("app-store", partitions)

    # --- what holds always ------------------------------------------------------------------------------------------

    def in_the_group(self) -> list[Client]:
        """Who has been put out of it has not heard of it yet, perhaps."""
        members = () if self.group is None else self.group.members
        return [client for client in self.clients if client.id in members and client.epoch]

    @invariant()
    def nobody_runs_what_another_runs(self) -> None:
        running: dict[Task, str] = {}
        here: dict[tuple[str, Task], str] = {}
        for client in self.in_the_group():
            assert self.group is not None
            current = self.group.currents[client.id]
            for task in client.owned.active:
                assert task not in running, "two members run one task"
                running[task] = client.id
                held = current.assigned.active.keys() | current.revoking.active.keys()
                assert task in held, "it runs what the coordinator believes to be free"
            for task in frozenset().union(*client.owned):
                assert (client.process, task) not in here, "two members of one process share a directory"
                here[client.process, task] = client.id

    @invariant()
    def the_coordinator_gives_nothing_twice(self) -> None:
        if self.group is None:
            return
        seen: dict[Task, str] = {}
        by_role: tuple[dict[Task, set[str]], ...] = ({}, {}, {})
        for member, current in self.group.currents.items():
            for held in (current.assigned, current.revoking):
                for task in held.active:
                    assert task not in seen
                    seen[task] = member
                for holders, tasks in zip(by_role, held, strict=True):
                    for task in tasks:
                        holders.setdefault(task, set()).add(member)
        assert self.group.holders.by_role == by_role

    @invariant()
    def the_log_says_what_the_machine_believes(self) -> None:
        live, replayed = self.bench.machine.store, self.bench.replayed().store
        assert live.streams.keys() == replayed.streams.keys()
        volatile = ("seen", "configured", "offsets", "end_offsets", "endpoint_epoch", "shutdown_by", "waits")
        for group_id, group in live.streams.items():
            again = replayed.streams[group_id]
            for name in StreamsGroup.__slots__:
                if name not in volatile:
                    assert getattr(group, name) == getattr(again, name), name

    @invariant()
    def epochs_only_rise(self) -> None:
        group = self.group
        if group is None:
            self.epoch = 0
            return
        assert group.target_epoch <= group.epoch
        assert self.epoch <= group.epoch
        self.epoch = group.epoch
        for member, current in group.currents.items():
            assert current.epoch <= group.target_epoch
            assert member in group.members

    @invariant()
    def somebody_watches_every_member(self) -> None:
        if self.group is None:
            return
        for member in self.group.members:
            assert ("session", "app", member) in self.bench.timers
            current = self.group.currents.get(member)
            is_revoking = current is not None and current.state is MemberState.UNREVOKED_TASKS
            assert (("rebalance", "app", member) in self.bench.timers) == is_revoking
        assert len([key for key in self.bench.timers if key[0] == "session"]) == len(self.group.members)

    def teardown(self) -> None:
        """Those still there come to rest; and again when topics have grown and everybody has missed an answer."""
        if not hasattr(self, "bench"):
            return
        streams = self.bench.settings.streams._replace(assignment_interval_ms=0, initial_rebalance_delay_ms=0)
        self.bench.settings = Settings(streams=streams)
        self.bench.crash()
        for name in SIZES:
            self.bench.topic(name, None)
        for name, partitions in SIZES.items():
            self.bench.topic(name, partitions)
        for _ in range(3):  # the dead are found out
            self.bench.advance(4_000)
            self.all_go_on(0, 1)
        self.come_to_rest()
        self.bench.topic("other", 6)
        self.heartbeats([(who, False) for who in range(len(self.clients))])
        self.come_to_rest()

    def come_to_rest(self) -> None:
        """They run everything between them."""
        self.all_go_on(0, ROUNDS)
        group = self.group
        assert group is not None
        assert group.state is GroupState.STABLE
        assert group.members.keys() == {client.id for client in self.clients}
        there = {("0", index) for index in range(SIZES["in"])}
        there |= {("1", index) for index in range(self.bench.metadata.by_name["other"].partitions)}
        assert {task for client in self.clients for task in client.owned.active} == there
        copies = min(self.bench.settings.streams.standby_replicas, len({client.process for client in self.clients}) - 1)
        assert sum([len(client.owned.standby) for client in self.clients]) == copies * SIZES["in"]
        before = len(self.bench.log)
        self.all_go_on(0, 1)
        assert len(self.bench.log) == before, "at rest nothing is written"


TestMembers = Members.TestCase
TestMembers.settings = settings(max_examples=100, stateful_step_count=40)
