"""A classic group: its members, who of them has joined and who has synced, and in which state that puts it.

All of this is alive, none of it durable (see `store.py`). Methods keep the parts in step with each other; they decide
nothing and answer nobody.
"""

from __future__ import annotations

from collections.abc import Sequence

from kbroker.groups.classic.decisions import elect_protocol, fits, identify
from kbroker.groups.classic.member import Member
from kbroker.groups.classic.states import STATES, State
from kbroker.groups.subscription import CONSUMER, subscribed_topics
from kbroker.machine import Ticket
from wire.durable.groups import GroupMetadataValue
from wire.errors import ErrorCode

TYPE = "classic"


class ClassicGroup:
    """`protocol_type` None is a group that never had members: offsets committed by consumers that assign themselves."""

    __slots__ = (
        "came_from",
        "forced",
        "generation",
        "has_newcomer",
        "id",
        "instances",
        "last_to_join",
        "leader",
        "members",
        "offered",
        "parked",
        "pending",
        "protocol",
        "protocol_type",
        "since_ms",
        "state",
        "subscribed",
        "unsynced",
    )

    def __init__(self, id: str, now: int) -> None:
        self.id = id
        self.state = State.EMPTY
        self.came_from = State.EMPTY
        self.since_ms = now
        self.generation = 0
        self.protocol_type: str | None = None
        self.protocol: str | None = None
        self.leader: str | None = None
        self.members: dict[str, Member] = {}
        self.instances: dict[str, str] = {}  # group instance id -> member id
        self.parked: set[str] = set()  # members whose JoinGroup waits for the end of the join phase
        self.offered: dict[str, int] = {}  # how many members offer each protocol
        self.pending: set[str] = set()  # member ids given out that have not come back (KIP-394)
        self.unsynced: set[str] = set()  # members of this generation that have not asked for their assignment
        self.forced: dict[str, bytes] = {}  # what members get in the next generation, whatever their leader assigns
        self.last_to_join = ""  # in this join phase, for the history
        self.has_newcomer = False  # somebody came during the initial delay, which is a reason to extend it
        self.subscribed: frozenset[str] | None = None  # None: not known

    @classmethod
    def of(cls, id: str, value: GroupMetadataValue | None, now: int) -> ClassicGroup:
        """The group as the log knows it: Stable with its members, or Empty."""
        group = cls(id, now)
        if value is None:
            return group
        group.generation = value.generation
        group.protocol_type = value.protocol_type or None
        group.protocol = value.protocol
        group.leader = value.leader
        group.since_ms = value.current_state_timestamp
        for stored in value.members:
            group.add(
                Member(
                    stored.member_id,
                    stored.group_instance_id,
                    stored.client_id,
                    stored.client_host,
                    stored.rebalance_timeout if stored.rebalance_timeout >= 0 else stored.session_timeout,
                    stored.session_timeout,
                    [(value.protocol or "", stored.subscription)],
                    stored.assignment,
                )
            )
        if group.members:
            group.state = group.came_from = State.STABLE
        group.learn_subscriptions()
        return group

    def move(self, state: State, now: int) -> None:
        assert state in STATES[self.state].next, f"{self.state} cannot become {state}"
        self.came_from, self.state, self.since_ms = self.state, state, now

    # --- members ----------------------------------------------------------------------------------------------------

    def add(self, member: Member) -> None:
        self.members[member.id] = member
        self._count(member, 1)
        if member.instance_id is not None:
            self.instances[member.instance_id] = member.id
        if self.leader is None:
            self.leader = member.id
        self.pending.discard(member.id)

    def remove(self, member_id: str) -> None:
        """A member or a pending member id. If the leader goes, the eldest of the others leads."""
        member = self.members.pop(member_id, None)
        if member is not None:
            self._count(member, -1)
            if member.instance_id is not None:
                del self.instances[member.instance_id]
        self.parked.discard(member_id)
        self.pending.discard(member_id)
        self.unsynced.discard(member_id)
        if self.leader == member_id:
            self.leader = next(iter(self.members), None)

    def replace(self, old: Member, member_id: str) -> Member:
        """The static member `old` has restarted: the same place in the group under a new member id."""
        new = Member(
            member_id,
            old.instance_id,
            old.client_id,
            old.client_host,
            old.rebalance_timeout_ms,
            old.session_timeout_ms,
            old.protocols,
            old.assignment,
        )
        del self.members[old.id]
        self._count(old, -1)
        self.parked.discard(old.id)
        self.unsynced.discard(old.id)
        if self.leader == old.id:
            self.leader = member_id
        self.add(new)
        return new

    def offer(self, member: Member, protocols: Sequence[tuple[str, bytes]]) -> None:
        """The member offers these from now on."""
        self._count(member, -1)
        member.protocols = tuple(protocols)
        self._count(member, 1)

    def _count(self, member: Member, by: int) -> None:
        for name in {name for name, _ in member.protocols}:
            self.offered[name] = self.offered.get(name, 0) + by

    def identify(self, member_id: str, instance_id: str | None) -> ErrorCode:
        return identify(self.members, self.instances, member_id, instance_id)

    # --- the join phase ---------------------------------------------------------------------------------------------

    def park(self, member: Member, ticket: Ticket) -> None:
        """Its JoinGroup is answered when the join phase ends."""
        member.join_ticket = ticket
        self.parked.add(member.id)

    def release(self, member: Member) -> Ticket | None:
        """The ticket of whoever is to be answered now, if it is parked."""
        ticket, member.join_ticket = member.join_ticket, None
        self.parked.discard(member.id)
        return ticket

    @property
    def all_joined(self) -> bool:
        return not self.pending and len(self.parked) == len(self.members)

    @property
    def rebalance_timeout_ms(self) -> int:
        return max([member.rebalance_timeout_ms for member in self.members.values()], default=0)

    def offers(self) -> list[Sequence[str]]:
        return [[name for name, _ in member.protocols] for member in self.members.values()]

    def fits(self, protocol_type: str, offer: Sequence[str]) -> bool:
        empty = self.state is State.EMPTY or not self.members
        common = [name for name in offer if self.offered.get(name) == len(self.members)]
        return fits(empty, self.protocol_type, common, protocol_type, offer)

    def elect_leader(self) -> bool:
        """The leader stays if it has joined; else whoever has, first come. False when nobody has."""
        leader = self.members.get(self.leader or "")
        if leader is None or leader.join_ticket is None:
            joined = [member.id for member in self.members.values() if member.join_ticket is not None]
            if not joined:
                return False
            self.leader = joined[0]
        return True

    def elects_same_protocol(self) -> bool:
        return elect_protocol(self.offers()) == self.protocol

    def choose_protocol(self) -> None:
        self.protocol = elect_protocol(self.offers())

    def begin_generation(self, now: int) -> None:
        self.generation += 1
        self.unsynced.clear()
        self.has_newcomer = False
        if self.members:
            self.choose_protocol()
            self.move(State.COMPLETING_REBALANCE, now)
        else:
            self.protocol = None
            self.move(State.EMPTY, now)
        self.learn_subscriptions()

    @property
    def is_vacant(self) -> bool:
        """Nobody is in it, or on the way in."""
        return self.state is State.EMPTY and not self.pending

    # --- topics -----------------------------------------------------------------------------------------------------

    def learn_subscriptions(self) -> None:
        """Consumers say in their metadata what they read. Other users of the protocol (Connect) keep that to
        themselves.
        """
        self.subscribed = None
        if self.protocol_type == CONSUMER:
            self.subscribed = subscribed_topics([member.metadata(self.protocol) for member in self.members.values()])

    def is_subscribed(self, topic: str) -> bool:
        """A consumer group whose metadata cannot be read may well be."""
        if self.subscribed is None:
            return self.protocol_type == CONSUMER
        return topic in self.subscribed
