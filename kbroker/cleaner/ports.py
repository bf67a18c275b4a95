"""What the cleaner needs of topics and partitions. This package knows neither the catalog nor the partitions' own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from .settings import Settings


class Topic(Protocol):
    """A topic as it is now."""

    @property
    def name(self) -> str: ...

    @property
    def id(self) -> bytes: ...

    @property
    def partitions(self) -> Sequence[Any]: ...

    @property
    def config(self) -> Settings: ...


class Topics(Protocol):
    """The catalog."""

    def topic_by_id(self, topic_id: bytes) -> Topic | None: ...


class Batches(Protocol):
    """What is known of one producer."""

    epoch: int

    @property
    def kept(self) -> Sequence[Any]:
        """Its last batches with data, each with a `last_offset`."""


class Producers(Protocol):
    """All producers of a partition."""

    @property
    def table(self) -> Mapping[int, Batches]: ...


class Partition(Protocol):
    """One log and its writer."""

    @property
    def name(self) -> str: ...

    @property
    def noted(self) -> int: ...

    @property
    def high_watermark(self) -> int: ...

    @property
    def last_stable_offset(self) -> int: ...

    @property
    def producers(self) -> Producers: ...

    def ready(self) -> asyncio.Future[None]: ...

    def delete_records(self, offset: int) -> asyncio.Future[int]: ...

    def note(self) -> asyncio.Future[None]: ...


class Partitions(Protocol):
    """The registry."""

    def open(self, topic: Any, index: int) -> Partition: ...

    def tell_growth(self, topic_id: bytes, index: int) -> None:
        """Tell the cleaner when something is written next."""
