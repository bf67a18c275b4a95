"""What can happen to what one partition of `__share_group_state` keeps. `key` is a share partition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kbroker.machine import Ticket
from kbroker.shares.kept import NOT_COUNTED, Key, Range


@dataclass(frozen=True, slots=True)
class Initialize:
    """Begin to keep this one, anew if it was kept before."""

    ticket: Ticket
    key: Key
    state_epoch: int
    start: int


@dataclass(frozen=True, slots=True)
class Read:
    """Answered with `Kept`. Who reads leads the partition in that epoch, and whoever led it before is fenced."""

    ticket: Ticket
    key: Key
    leader_epoch: int


@dataclass(frozen=True, slots=True)
class ReadSummary:
    """The same, but nobody is fenced; None where nothing is kept."""

    ticket: Ticket
    key: Key


@dataclass(frozen=True, slots=True)
class Write:
    """Keep these ranges, and this start; -1 leaves the start as it is."""

    ticket: Ticket
    key: Key
    state_epoch: int
    leader_epoch: int
    start: int
    ranges: Sequence[Range]
    done: int = NOT_COUNTED


@dataclass(frozen=True, slots=True)
class Forget:
    """Nothing of this one need be kept any more."""

    ticket: Ticket
    key: Key


@dataclass(frozen=True, slots=True)
class Prune:
    """A timer: see whether the front of the log can go."""


@dataclass(frozen=True, slots=True)
class PruneLog:
    """A task: nobody needs what stands below this offset in the log that this key lives in."""

    key: Key
    before: int
