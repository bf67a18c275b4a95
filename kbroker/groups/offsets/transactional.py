"""TxnOffsetCommit: the offsets of a transaction's input, which count when the transaction commits (KIP-98, KIP-447).

They are written as part of the transaction, and are undecided until its marker comes. Before the first ones of a
transaction the transaction coordinator is asked whether this group is part of it (KIP-890): the commit waits for that,
as a task whose outcome is an event. A marker that comes in between ends the wait: what was asked about is over.

Member and generation are checked as in OffsetCommit, with two exceptions: an old client says neither and is believed,
and a group that waits for its assignment takes offsets too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kbroker.groups.classic.decisions import check_transactional_commit
from kbroker.groups.classic.group import ClassicGroup
from kbroker.groups.events import Admit, CommitInTransaction
from kbroker.groups.offsets.commit import check_commit, refuse, take
from kbroker.groups.turn import Turn
from kbroker.machine import Producer
from wire.errors import ErrorCode
from wire.messages.offset_commit import OffsetCommitResponse

if TYPE_CHECKING:
    from kbroker.groups.store import Assigned, Store

REFUSALS = {
    ErrorCode.PRODUCER_FENCED: ErrorCode.INVALID_PRODUCER_EPOCH,
    ErrorCode.NOT_COORDINATOR: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,  # that of transactions; the client is right here
}


class Admissions:
    """Commits that wait for the transaction coordinator's word, by a number that tells the question from all others,
    also from those of an earlier machine.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, CommitInTransaction] = {}

    def ask(self, event: CommitInTransaction, turn: Turn) -> None:
        question = turn.rng.getrandbits(63)
        self._waiting[question] = event
        turn.tasks.append(Admit(question, event.transactional_id, event.producer, event.group_id, event.raises_epochs))

    def answered(self, question: int) -> CommitInTransaction | None:
        """Who asked, unless it is over."""
        return self._waiting.pop(question, None)

    def ended(self, producer: Producer, turn: Turn) -> None:
        """A marker ends the producer's transaction here."""
        for question, event in list(self._waiting.items()):
            if event.producer.id == producer.id:
                del self._waiting[question]
                turn.answer(event.ticket, refuse(event.request, ErrorCode.INVALID_TXN_STATE))


def refusal(event: CommitInTransaction, code: ErrorCode) -> ErrorCode:
    """What the client hears when its transaction may not write here."""
    if code is ErrorCode.TRANSACTION_ABORTABLE:
        return event.not_added
    return REFUSALS.get(code, code)


def commit(group: ClassicGroup, event: CommitInTransaction, turn: Turn) -> OffsetCommitResponse:
    request = event.request
    code = check_transactional_commit(
        group.state,
        group.generation,
        request.generation_id_or_member_epoch,
        not request.member_id and request.group_instance_id is None,
        group.identify(request.member_id, request.group_instance_id),
    )
    if code is not ErrorCode.NONE:
        return refuse(request, code)
    turn.producer = event.producer
    return take(request, -1, turn)


def commit_of_assigned(group: Assigned, event: CommitInTransaction, turn: Turn) -> OffsetCommitResponse:
    """As in OffsetCommit, but that error is unknown here: who is in another epoch hears of a generation."""
    request = event.request
    epoch = request.generation_id_or_member_epoch
    if epoch >= 0 or request.member_id or request.group_instance_id is not None:
        code = check_commit(group, request)
        if code is not ErrorCode.NONE:
            return refuse(request, ErrorCode.ILLEGAL_GENERATION if code is ErrorCode.STALE_MEMBER_EPOCH else code)
    turn.producer = event.producer
    return take(request, -1, turn)


def left_behind(store: Store, producer: Producer, committed: bool) -> list[str]:
    """The groups of which nothing is left when this transaction ends so."""
    if committed:
        return []
    others = [groups for producer_id, groups in store.undecided.items() if producer_id != producer.id]
    return [
        group_id
        for group_id in store.undecided.get(producer.id, ())
        if group_id not in store.groups
        and group_id not in store.offsets
        and not any(group_id in groups for groups in others)
    ]
