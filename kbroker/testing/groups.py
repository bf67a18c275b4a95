"""Groups, transactions and their coordinators, from the test's side: to look at, to wait for, to force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kbroker.control.shapes import Committed, Group, GroupEvent, Partition, Transaction
from kbroker.testing.ask import Ask, Asker, verb


class GroupVerbs(Asker):
    """Part of `Verbs`."""

    # --- groups and transactions --------------------------------------------------------------------------------------

    @verb
    def groups(self) -> Ask[list[Group]]:
        """All groups: states, members with what they have, committed offsets with lags."""
        return self._ask(list[Group], "groups.list")

    @verb
    def group(self, group: str) -> Ask[Group]:
        """One group."""
        return self._ask(Group, "groups.get", group=group)

    @verb
    def group_history(self, group: str) -> Ask[list[GroupEvent]]:
        """What has happened to a group lately, and why: who came and went, who waited for whom."""
        return self._ask(list[GroupEvent], "groups.history", group=group)

    @verb
    def delete_group(self, group: str) -> Ask[None]:
        """Delete a group that has no members, with its offsets."""
        return self._ask(None, "groups.delete", group=group)

    @verb
    def evict(self, group: str, member: str) -> Ask[Group]:
        """Put a member out of its group, by its member id or client id."""
        return self._ask(Group, "groups.evict", group=group, member=member)

    @verb
    def rebalance(self, group: str) -> Ask[Group]:
        """Let a group rebalance now. Members find out with their next heartbeat."""
        return self._ask(Group, "groups.rebalance", group=group)

    @verb
    def assign(self, group: str, assignment: Mapping[str, Mapping[str, Sequence[int]]]) -> Ask[Group]:
        """Let a group rebalance now, and its members get these partitions: {member or client id: {topic: [0, 2]}}. Who
        is not named gets none. It holds until members, subscriptions or topics change."""
        plain = {who: {topic: list(indexes) for topic, indexes in topics.items()} for who, topics in assignment.items()}
        return self._ask(Group, "groups.assign", group=group, assignment=plain)

    @verb
    def configure_group(self, group: str, configs: Mapping[str, object]) -> Ask[None]:
        """Set configs of a group, such as share.record.lock.duration.ms; None takes one back."""
        return self._ask(None, "groups.configure", group=group, configs=texts_of(configs))

    @verb
    def wait_assigned(self, group: str, members: int = 1, *, timeout: float = 10.0) -> Ask[Group]:
        """Wait until a group is stable with so many members, and every partition has its member."""
        return self._ask(Group, "groups.wait_assigned", group=group, members=members, timeout=float(timeout))

    @verb
    def wait_empty(self, group: str, *, timeout: float = 10.0) -> Ask[Group]:
        """Wait until a group has no members any more."""
        return self._ask(Group, "groups.wait_empty", group=group, timeout=float(timeout))

    @verb
    def wait_consumed(self, group: str, topic: str | None = None, *, timeout: float = 10.0) -> Ask[list[Committed]]:
        """Wait until a group has committed all that there is to read, in one topic or in all of its topics."""
        return self._ask(list[Committed], "groups.wait_consumed", group=group, topic=topic, timeout=float(timeout))

    @verb
    def transactions(self) -> Ask[list[Transaction]]:
        """All transactional ids and how they stand."""
        return self._ask(list[Transaction], "transactions.list")

    @verb
    def transaction(self, transactional_id: str) -> Ask[Transaction]:
        """One transactional id."""
        return self._ask(Transaction, "transactions.get", transactional_id=transactional_id)

    @verb
    def wait_transaction(
        self, transactional_id: str, state: str = "CompleteCommit", *, timeout: float = 10.0
    ) -> Ask[Transaction]:
        """Wait until a transactional id is in a state: Empty, Ongoing, PrepareCommit, CompleteCommit ..."""
        return self._ask(
            Transaction, "transactions.wait", transactional_id=transactional_id, state=state, timeout=float(timeout)
        )

    @verb
    def use_up_epochs(self, transactional_id: str, *, left: int = 0) -> Ask[Transaction]:
        """Let the producer epochs of a transactional id be used up but for so many: then comes a new producer id. To be
        done before its producer begins: one that is at it is fenced."""
        return self._ask(Transaction, "transactions.use_up", transactional_id=transactional_id, left=left)

    # --- coordinators -------------------------------------------------------------------------------------------------

    @verb
    def coordinator(self, *, group: str | None = None, transactional_id: str | None = None) -> Ask[Partition]:
        """The partition whose leader coordinates a group or a transactional id."""
        return self._ask(Partition, "coordinators.get", group=group, transactional_id=transactional_id)

    @verb
    def move_coordinator(
        self, *, group: str | None = None, transactional_id: str | None = None, node: int | None = None
    ) -> Ask[Partition]:
        """Let another broker coordinate it; where there is only one, that one begins anew and reads its log."""
        return self._ask(Partition, "coordinators.move", group=group, transactional_id=transactional_id, node=node)

    @verb
    def lose_coordinator(self, *, group: str | None = None, transactional_id: str | None = None) -> Ask[Partition]:
        """Let nobody coordinate it, until it is moved to somebody."""
        return self._ask(Partition, "coordinators.lose", group=group, transactional_id=transactional_id)


def text_of(value: object) -> str:
    """A config's value as Kafka writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def texts_of(configs: Mapping[str, object]) -> dict[str, str | None]:
    return {name: None if value is None else text_of(value) for name, value in configs.items()}
