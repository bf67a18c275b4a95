"""Members come and go as they like, time passes, the broker crashes: what holds always.

Each member behaves like a client: it joins, syncs, sends heartbeats, and does what the answers say; but also leaves,
asks with old ids and generations, or falls silent. A generation's assignment is made of its number, so that a mix-up
of generations would show.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kbroker.groups.classic.states import State
from kbroker.groups.settings import Settings
from kbroker.machine import Ticket
from wire.errors import ErrorCode
from wire.messages.join_group import JoinGroupResponse
from wire.messages.leave_group import MemberIdentity
from wire.messages.sync_group import SyncGroupResponse

from .bench import Bench, subscription

PROTOCOLS = [
    [("range", subscription("t")), ("sticky", subscription("t"))],
    [("sticky", subscription("t", "u")), ("range", subscription("u"))],
    [("range", subscription("u"))],
]
WHO = st.integers(0, 4)
RETRY = {ErrorCode.REBALANCE_IN_PROGRESS, ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.ILLEGAL_GENERATION}


class Client:
    """What one consumer knows of itself."""

    def __init__(self, name: str, instance: str | None, protocols: int) -> None:
        self.name = name
        self.instance = instance
        self.protocols = PROTOCOLS[protocols]
        self.offered: list[str] = []
        self.member = ""
        self.generation = -1
        self.leads: list[str] | None = None
        self.parked: Ticket | None = None
        self.parked_on = ""
        self.next = "join"

    def forget(self) -> None:
        self.member, self.generation, self.leads, self.next = "", -1, None, "join"

    def __repr__(self) -> str:
        return self.name


class Members(RuleBasedStateMachine):
    @initialize(
        delay=st.sampled_from([0, 3000]),
        max_size=st.sampled_from([3, 1000]),
        kinds=st.lists(st.tuples(st.booleans(), st.sampled_from(range(len(PROTOCOLS)))), min_size=5, max_size=5),
    )
    def begin(self, delay: int, max_size: int, kinds: list[tuple[bool, int]]) -> None:
        """Five clients; of the static ones some share an instance id."""
        self.bench = Bench(Settings(initial_rebalance_delay_ms=delay, max_size=max_size))
        self.known_as: object = None
        self.generations: dict[int, tuple[str, frozenset[str]]] = {}
        self.clients = [
            Client(f"c{at}", f"i{at % 3}" if static else None, protocols)
            for at, (static, protocols) in enumerate(kinds)
        ]

    @rule(who=WHO)
    def go_on(self, who: int) -> None:
        """Do what a good client does next."""
        client = self.clients[who]
        if client.parked is not None:
            return
        if client.next == "join":
            self.join(who, known_id=client.instance is None, rebalance_ms=60_000)
        elif client.next == "sync":
            self.sync(who)
        else:
            self.heartbeat(who)

    @rule(times=st.integers(1, 4))
    def all_go_on(self, times: int) -> None:
        for _ in range(times):
            for who in range(len(self.clients)):
                self.go_on(who)
                self.everyone_who_was_answered_hears_it()

    @rule(who=WHO, known_id=st.booleans(), rebalance_ms=st.sampled_from([5000, 60_000]))
    def join(self, who: int, known_id: bool, rebalance_ms: int) -> None:
        client = self.clients[who]
        if client.parked is not None:
            return
        client.parked_on = "join"
        client.offered = [name for name, _ in client.protocols]
        client.parked = self.bench.join(
            client.name,
            client.member,
            instance=client.instance,
            protocols=client.protocols,
            known_id=known_id,
            rebalance_ms=rebalance_ms,
        )

    @rule(who=WHO, other=st.integers(0, 2))
    def change_subscription(self, who: int, other: int) -> None:
        self.clients[who].protocols = PROTOCOLS[other]
        self.clients[who].next = "join"

    @rule(who=WHO)
    def sync(self, who: int) -> None:
        client = self.clients[who]
        if client.parked is not None:
            return
        assignment = {}
        if client.leads is not None:
            assignment = {each: f"{client.generation} {each}".encode() for each in client.leads}
        client.parked_on = "sync"
        client.parked = self.bench.sync(client.member, client.generation, assignment, instance=client.instance)

    @rule(who=WHO)
    def heartbeat(self, who: int) -> None:
        client = self.clients[who]
        if client.parked is not None:
            return
        known = client.member in self.members()
        code = self.bench.heartbeat(client.member, client.generation, instance=client.instance)
        if code == ErrorCode.NONE:
            assert known
            assert client.generation == self.bench.machine.groups["g"].generation
        else:
            client.next = "join"
        if code in (ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.FENCED_INSTANCE_ID):
            client.forget()

    @rule(who=WHO, offset=st.integers(0, 100))
    def commit(self, who: int, offset: int) -> None:
        client = self.clients[who]
        known = client.member in self.members()
        [code] = self.bench.commit(
            {("t", 0): offset}, generation=client.generation, member=client.member, instance=client.instance
        )
        if code == ErrorCode.NONE:
            assert known or client.generation < 0
            assert self.bench.fetch({"t": [0]}) == {("t", 0): (offset, 0)}

    @rule(who=WHO)
    def leave(self, who: int) -> None:
        """And somebody else takes the place."""
        client = self.clients[who]
        known = client.member in self.members() | self.pending()
        identity = MemberIdentity(member_id=client.member, group_instance_id=client.instance)
        by_instance = not client.member and client.instance is not None
        [code] = self.bench.leave(identity)
        if code == ErrorCode.NONE:
            assert known or by_instance
        self.clients[who] = Client(client.name, client.instance, 0)

    @rule(milliseconds=st.sampled_from([1, 999, 5000, 9999, 10_000, 60_000]))
    def pass_time(self, milliseconds: int) -> None:
        self.bench.advance(milliseconds)

    @rule()
    def crash(self) -> None:
        lost = self.bench.crash()
        for client in self.clients:
            if client.parked in lost:
                client.parked = None
                client.next = "join"

    def members(self) -> set[str]:
        group = self.bench.machine.groups.get("g")
        return set() if group is None else set(group.members)

    def pending(self) -> set[str]:
        group = self.bench.machine.groups.get("g")
        return set() if group is None else group.pending

    def hear(self, client: Client) -> None:
        """The client reads its answer, if it has come."""
        assert client.parked is not None
        response = self.bench.answers.pop(client.parked)
        client.parked = None
        if isinstance(response, JoinGroupResponse):
            self.hear_join(client, response)
            return
        assert isinstance(response, SyncGroupResponse)
        client.next = "heartbeat" if response.error_code == ErrorCode.NONE else "join"
        if response.error_code == ErrorCode.NONE:
            if client.instance is None:  # a static member's assignment is made for the member id before
                assert response.assignment in (b"", f"{client.generation} {client.member}".encode())
        elif response.error_code in (ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.FENCED_INSTANCE_ID):
            client.forget()
        else:
            assert response.error_code in RETRY

    def hear_join(self, client: Client, response: JoinGroupResponse) -> None:
        if response.error_code == ErrorCode.MEMBER_ID_REQUIRED:
            assert response.member_id
            client.member = response.member_id
            return
        if response.error_code != ErrorCode.NONE:
            assert response.generation_id == -1
            if response.error_code != ErrorCode.REBALANCE_IN_PROGRESS:
                client.forget()
            return
        client.member, client.generation = response.member_id, response.generation_id
        client.leads, client.next = None, "sync"
        if response.leader == response.member_id and not response.skip_assignment:
            client.leads = [member.member_id for member in response.members]
            assert client.member in client.leads
        assert response.protocol_name in client.offered

    # --- what holds always ------------------------------------------------------------------------------------------

    @invariant()
    def everyone_who_was_answered_hears_it(self) -> None:
        for client in self.clients:
            if client.parked is not None and client.parked in self.bench.answers:
                self.hear(client)

    @invariant()
    def the_log_says_what_the_machine_believes(self) -> None:
        live, replayed = self.bench.machine.store, self.bench.replayed().store
        assert (live.groups, live.offsets) == (replayed.groups, replayed.offsets)
        assert set(self.bench.machine.groups) == set(live.group_ids())

    @invariant()
    def a_stable_group_is_in_the_log_as_it_is(self) -> None:
        group = self.bench.machine.groups.get("g")
        if group is None or group.state is not State.STABLE:
            return
        value = self.bench.machine.store.groups["g"]
        assert (value.generation, value.protocol, value.leader) == (group.generation, group.protocol, group.leader)
        stored = {each.member_id: each.assignment for each in value.members}
        assert stored == {member.id: member.assignment for member in group.members.values()}
        assert group.members
        assert group.leader in group.members

    @invariant()
    def a_generation_has_one_protocol_and_one_set_of_members(self) -> None:
        """Static members may be replaced; apart from that a generation only shrinks. What was not in the log is not
        remembered: after a crash, or when the group has expired and is made again, numbers are used again.
        """
        group = self.bench.machine.groups.get("g")
        if group is not self.known_as:
            self.known_as = group
            self.generations.clear()
        if group is None or group.state not in (State.COMPLETING_REBALANCE, State.STABLE):
            return
        places = frozenset([member.instance_id or member.id for member in group.members.values()])
        known = self.generations.setdefault(group.generation, (group.protocol or "", places))
        assert known[0] == group.protocol
        assert places <= known[1]

    @invariant()
    def nobody_is_parked_without_a_reason(self) -> None:
        """Every open ticket belongs to a member that waits, and something is set that will end its waiting."""
        group = self.bench.machine.groups.get("g")
        waiting: set[Ticket] = set()
        if group is not None:
            for member in group.members.values():
                waiting |= {ticket for ticket in (member.join_ticket, member.sync_ticket) if ticket is not None}
                if member.join_ticket is not None:
                    assert group.state is State.PREPARING_REBALANCE
                if member.sync_ticket is not None:
                    assert group.state is State.COMPLETING_REBALANCE
                if member.may_expire:
                    assert ("session", "g", member.id) in self.bench.timers
            if group.state is State.PREPARING_REBALANCE:
                assert ("join", "g") in self.bench.timers
            if group.unsynced and group.state is State.COMPLETING_REBALANCE:
                assert ("sync", "g") in self.bench.timers
            assert all(group.instances[m.instance_id] == m.id for m in group.members.values() if m.instance_id)
            assert len(group.instances) == sum(1 for m in group.members.values() if m.instance_id)
        assert waiting == self.bench.open

    def teardown(self) -> None:
        """Silence: in the end every parked ticket is answered, every member gone, and then the group."""
        if not hasattr(self, "bench"):
            return
        for _ in range(20):
            self.bench.advance(400_000)
        assert not self.bench.open
        assert self.members() == set()
        self.bench.advance(self.bench.settings.offsets_retention_ms + 2 * self.bench.settings.offsets_check_interval_ms)
        assert not self.bench.machine.groups
        assert not self.bench.machine.store.group_ids()
        assert not self.bench.timers


TestMembers = Members.TestCase
TestMembers.settings = settings(max_examples=120, stateful_step_count=40)
