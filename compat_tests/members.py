"""Several consumers of a group at once, each polled in a thread of its own, as services would.

(Polled in turn from one thread, one member's poll holds up what the rebalance wants of the other: kafka-python then
gives its join up and begins again.) A test waits on a condition that is looked at after every poll of any member; what
it looks at are copies that the member's own thread made, since clients are not safe to ask from two threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from compat_tests.drivers import Consumer, Place, Record
from compat_tests.tools import DEADLINE_S


class Member:
    """One polled consumer: all that it has read, and what it is assigned."""

    def __init__(self, consumer: Consumer, changed: threading.Condition) -> None:
        self.consumer = consumer
        self.records: list[Record] = []
        self.assignment: set[Place] = set()
        self.error: BaseException | None = None
        self._changed = changed
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                polled = self.consumer.poll(0.1)
                assignment = self.consumer.assignment()
                with self._changed:
                    self.records += polled
                    self.assignment = assignment
                    self._changed.notify_all()
        except BaseException as error:
            with self._changed:
                self.error = error
                self._changed.notify_all()

    @property
    def assigned(self) -> int:
        """How often its client's callback gave it partitions."""
        return self.consumer.rebalances.assigned

    def stop(self) -> None:
        """No more polls; the consumer stays open."""
        self._ended.set()
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive(), "a poll that does not end"


class Members:
    """The members of a test; `close` of one leaves the group, as the consumer's close does."""

    def __init__(self) -> None:
        self.members: list[Member] = []
        self._changed = threading.Condition()

    def join(self, consumer: Consumer, *topics: str) -> Member:
        consumer.subscribe(*topics)
        self.members.append(Member(consumer, self._changed))
        return self.members[-1]

    def close(self, member: Member) -> None:
        member.stop()
        self.members.remove(member)
        member.consumer.close()

    def wait(self, what: str, reached: Callable[[], bool], seconds: float = DEADLINE_S) -> None:
        with self._changed:
            done = self._changed.wait_for(lambda: self._errors() or reached(), seconds)
        assert not self._errors(), self._errors()
        if not done:
            pytest.fail(f"not within {seconds:g} s: {what} {[member.assignment for member in self.members]}")

    def _errors(self) -> list[BaseException]:
        return [member.error for member in self.members if member.error is not None]

    def wait_shared(self, whole: set[Place], seconds: float = DEADLINE_S) -> None:
        """Until each partition belongs to exactly one member and each member has some."""
        self.wait(f"{len(self.members)} members share {len(whole)} partitions", lambda: self._shared(whole), seconds)

    def _shared(self, whole: set[Place]) -> bool:
        parts = [member.assignment for member in self.members]
        return all(parts) and sum(map(len, parts)) == len(whole) and set.union(*parts) == whole

    def wait_records(self, count: int, seconds: float = DEADLINE_S) -> list[Record]:
        """Until the members together have read `count` records."""
        self.wait(f"{count} records", lambda: self._read() >= count, seconds)
        return self.records

    def _read(self) -> int:
        return sum(len(member.records) for member in self.members)

    @property
    def records(self) -> list[Record]:
        return [record for member in self.members for record in member.records]

    def __enter__(self) -> Members:
        return self

    def __exit__(self, *_: object) -> None:
        for member in self.members:
            member._ended.set()
        for member in list(self.members):
            self.close(member)
