"""One step of the machine: what it knows of the world (now, dice, settings), and the effects as they gather."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol

from kbroker.groups.consumer.metadata import NO_TOPICS, Metadata
from kbroker.groups.history import Happened, What
from kbroker.groups.settings import Settings
from kbroker.machine import Batch, Effects, Marker, Producer, Record, Reply, Ticket, Timer
from wire.primitives import uuid_text


class Dice(Protocol):
    """The chance that a machine is given: `random.Random` is one."""

    def getrandbits(self, k: int, /) -> int: ...


class Turn(Effects):
    """Parts write into it in any order. All records of a step are one batch: they count together or not at all. With a
    producer they are part of its transaction.
    """

    __slots__ = ("markers", "metadata", "now", "producer", "records", "rng", "settings")

    def __init__(self, now: int, rng: Dice, settings: Settings, metadata: Metadata = NO_TOPICS) -> None:
        self.now = now
        self.metadata = metadata
        self.rng = rng
        self.settings = settings
        self.batches = []
        self.replies = []
        self.timers = []
        self.tasks = []
        self.records: list[Record] = []
        self.markers: list[Marker] = []
        self.producer: Producer | None = None

    def answer(self, ticket: Ticket, response: object) -> None:
        self.replies.append(Reply(ticket, response))

    def set_timer(self, key: Hashable, at: int, event: object) -> None:
        self.timers.append(Timer(key, at, event))

    def cancel_timer(self, key: Hashable) -> None:
        self.timers.append(Timer(key, None))

    def tell(self, group_id: str, what: What, cause: str, member: str = "") -> None:
        """For the group's history."""
        self.tasks.append(Happened(group_id, self.now, what, member, cause))

    def effects(self) -> Effects:
        """What has gathered; after that nothing more does."""
        if self.records:
            self.batches.append(Batch(self.records, self.producer))
        if self.markers:
            self.batches += self.markers
        return self

    def uuid_text(self) -> str:
        """A random UUID of version 4 in its usual form, as it ends the member ids that the coordinator makes."""
        bits = self.rng.getrandbits(128) & ~(0xF << 76) & ~(0x3 << 62) | 0x4 << 76 | 0x2 << 62
        text = f"{bits:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def short_uuid(self) -> str:
        """A random UUID in Kafka's short form, as clients of the new protocol make their member ids. None begins with a
        dash.
        """
        while True:
            bits = self.rng.getrandbits(128) & ~(0xF << 76) & ~(0x3 << 62) | 0x4 << 76 | 0x2 << 62
            text = uuid_text(bits.to_bytes(16, "big"))
            if not text.startswith("-"):
                return text
