"""What groups need of the rest of the broker: which topics there are, who leads, and the logs of their partitions.

The catalog and the registry of partitions have it; they are handed over in `broker.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from kbroker.machine_log import MachineLog


class Topic(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def id(self) -> bytes: ...

    @property
    def partitions(self) -> Sequence[object]: ...


class Topics(Protocol):
    def topic(self, name: str) -> Topic | None: ...

    def leader(self, topic: Any, index: int) -> tuple[int, int]:
        """Node and epoch; node -1 when there is none."""

    def subscribe(self, callback: Callable[[Any], None]) -> None:
        """Call with every change, which has the `topic` that it is about."""


class Logs(Protocol):
    def open(self, topic: Any, index: int) -> MachineLog: ...
