"""The states of a transactional id: what each request does in each of them, and where each may go.

This table is what the code runs on, and what docs/transactions.md is drawn from. `next` is checked at every change of
state; the answers are looked up.

There are two generations of the protocol. In transaction version 1 (KIP-98) an epoch lives until somebody raises it on
purpose, so the end of a transaction is told by state alone. In version 2 (KIP-890) every end raises the epoch by one:
a request with the epoch of now speaks of this transaction, one with the epoch before repeats the last end, whose answer
was lost. A client speaks version 2 when it ends its transactions with EndTxn version 5; one id may see both.

    Empty -> Ongoing -> PrepareCommit -> CompleteCommit -> Ongoing | Empty
                     -> PrepareAbort  -> CompleteAbort  -> Ongoing | Empty          and any that rests -> Dead

Prepare* is the decision. Once that record is durable the transaction will end so, whatever happens: its markers are
written to every partition, again after a crash, until they all stand; Complete* says that they do.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class State(Enum):
    """The values are what a log has (TransactionLogValue.TransactionStatus)."""

    __hash__ = object.__hash__  # there is one object for each; Enum's own is written in Python, and states are keys

    EMPTY = 0
    ONGOING = 1
    PREPARE_COMMIT = 2
    PREPARE_ABORT = 3
    COMPLETE_COMMIT = 4
    COMPLETE_ABORT = 5
    DEAD = 6
    PREPARE_EPOCH_FENCE = 7

    @property
    def title(self) -> str:
        """As DescribeTransactions and ListTransactions say it."""
        return TITLES[self]


class Init(Enum):
    """What InitProducerId does."""

    NEXT_EPOCH = "the next epoch, or a new producer id when the epochs are used up"
    ABORT_FIRST = "CONCURRENT_TRANSACTIONS, and it is aborted with a raised epoch, which fences whoever is at it"
    WAIT = "CONCURRENT_TRANSACTIONS"


class Add(Enum):
    """What AddPartitionsToTxn, AddOffsetsToTxn and a first write of version 2 do."""

    BEGIN = "begins a transaction"
    JOIN = "more partitions"
    WAIT = "CONCURRENT_TRANSACTIONS"


class End(Enum):
    """What EndTxn does."""

    PREPARE = "is decided"
    PREPARE_NOTHING = "an end without a transaction, which only raises the epoch"
    DONE_BEFORE = "success: this is how it ended"
    REFUSED = "INVALID_TXN_STATE"
    FENCED = "PRODUCER_FENCED"
    WAIT = "CONCURRENT_TRANSACTIONS"


class Ends(NamedTuple):
    """What an EndTxn does that wants to commit, and one that wants to abort."""

    commit: End
    abort: End

    def of(self, committed: bool) -> End:
        return self.commit if committed else self.abort


class Row(NamedTuple):
    meaning: str
    init: Init
    add: Add
    end: Ends  # version 1
    end_raising: Ends  # version 2, with the epoch of now
    end_repeated: Ends  # version 2, with the epoch before
    next: frozenset[State]


(
    _EMPTY, _ONGOING, _PREPARE_COMMIT, _PREPARE_ABORT, _COMPLETE_COMMIT, _COMPLETE_ABORT, _DEAD, _PREPARE_EPOCH_FENCE
) = State  # fmt: skip

_WAITS = Ends(End.WAIT, End.WAIT)
_REFUSED = Ends(End.REFUSED, End.REFUSED)
_FENCED = Ends(End.FENCED, End.FENCED)
_DECIDED = Ends(End.PREPARE, End.PREPARE)
_NOTHING_TO_COMMIT = Ends(End.REFUSED, End.PREPARE_NOTHING)
_COMMITTED = Ends(End.DONE_BEFORE, End.REFUSED)
_ABORTED = Ends(End.REFUSED, End.DONE_BEFORE)
_RESTING = frozenset({_EMPTY, _ONGOING, _PREPARE_ABORT, _DEAD})

STATES = {
    State.EMPTY: Row(
        "The id is known, and its producer has an epoch. No transaction since.",
        Init.NEXT_EPOCH,
        Add.BEGIN,
        _REFUSED,
        _NOTHING_TO_COMMIT,
        _FENCED,
        _RESTING,
    ),
    State.ONGOING: Row(
        "A transaction with partitions. It has its timeout to end, or is aborted.",
        Init.ABORT_FIRST,
        Add.JOIN,
        _DECIDED,
        _DECIDED,
        _FENCED,
        frozenset({_ONGOING, _PREPARE_COMMIT, _PREPARE_ABORT}),
    ),
    State.PREPARE_COMMIT: Row(
        "Decided: it commits. Markers are on their way to its partitions.",
        Init.WAIT,
        Add.WAIT,
        _WAITS,
        _WAITS,
        _WAITS,
        frozenset({_COMPLETE_COMMIT}),
    ),
    State.PREPARE_ABORT: Row(
        "Decided: it aborts. Markers are on their way to its partitions.",
        Init.WAIT,
        Add.WAIT,
        _WAITS,
        _WAITS,
        _WAITS,
        frozenset({_COMPLETE_ABORT}),
    ),
    State.COMPLETE_COMMIT: Row(
        "It has committed: every partition has the marker.",
        Init.NEXT_EPOCH,
        Add.BEGIN,
        _COMMITTED,
        _NOTHING_TO_COMMIT,
        _COMMITTED,
        _RESTING,
    ),
    State.COMPLETE_ABORT: Row(
        "It has been aborted: every partition has the marker.",
        Init.NEXT_EPOCH,
        Add.BEGIN,
        _ABORTED,
        _NOTHING_TO_COMMIT,
        _ABORTED,
        _RESTING,
    ),
    State.DEAD: Row(
        "The id has expired and is forgotten; nobody sees it in this state.",
        Init.WAIT,
        Add.WAIT,
        _WAITS,
        _WAITS,
        _WAITS,
        frozenset(),
    ),
    State.PREPARE_EPOCH_FENCE: Row(
        "Kafka's name for the moment between raising the epoch and deciding to abort; here they are one step.",
        Init.WAIT,
        Add.WAIT,
        _WAITS,
        _WAITS,
        _WAITS,
        frozenset(),
    ),
}

TITLES = {state: "".join(word.capitalize() for word in state.name.split("_")) for state in State}
BY_TITLE = {title: state for state, title in TITLES.items()}

RESTING = frozenset({State.EMPTY, State.COMPLETE_COMMIT, State.COMPLETE_ABORT})
"""Nothing is open: the id may expire."""

PREPARED = {State.PREPARE_COMMIT: State.COMPLETE_COMMIT, State.PREPARE_ABORT: State.COMPLETE_ABORT}
"""Decided, and what it becomes when the markers stand."""
