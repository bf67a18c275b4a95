"""What groups need beside the topics and logs that every coordinator needs (kbroker/coordinators.py): the list of all
topics, for those that subscribe by pattern, the word of transactions, somebody who makes topics, and a
place for the state of share groups' partitions.

It is handed over in `broker.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from kbroker.coordinators import Topic, Topics
from kbroker.machine import Producer
from wire.errors import ErrorCode

if TYPE_CHECKING:
    from kbroker.groups.streams.topology import InternalTopic


class AllTopics(Topics, Protocol):
    def topics(self) -> Iterable[Topic]: ...


Answer = Mapping[tuple[str, int], ErrorCode] | None
"""The error of each partition; nothing said of one means yes."""


class Admission(Protocol):
    def __call__(
        self, transactional_id: str, producer: Producer, partitions: Collection[tuple[str, int]], raises_epochs: bool, /
    ) -> Answer | asyncio.Future[Answer]:
        """Are these partitions part of that transaction? With `raises_epochs` they become part of it now. Raises
        KafkaError, at once or later.
        """


def everybody(
    transactional_id: str, producer: Producer, partitions: Collection[tuple[str, int]], raises_epochs: bool, /
) -> Answer:
    """Without transactions nobody is asked."""
    return None


def nobody_makes_topics(topics: Sequence[InternalTopic], /) -> asyncio.Future[Sequence[str | None]]:
    """Without a catalog there is nobody to do it."""
    answer: asyncio.Future[Sequence[str | None]] = asyncio.get_running_loop().create_future()
    answer.set_result(["nobody makes topics here"] * len(topics))
    return answer


class ShareStates(Protocol):
    """Where it is kept what became of the records that share groups read (kbroker/shares has it)."""

    def initialize(
        self, group_id: str, epoch: int, starts: Mapping[bytes, Mapping[int, int]], /
    ) -> asyncio.Future[ErrorCode]:
        """Begin anew with these partitions, by topic id, from these offsets on; -1 leaves it to the first fetch."""

    def forget(self, group_id: str, topics: Mapping[bytes, Collection[int]], /) -> object: ...
