"""One interface over the three clients, for behaviour that each of them must see.

A driver translates and does nothing else: no retry, no default of its own beyond those named here. What differs
between the libraries by nature (administration, callbacks, exceptions) is tested in their own folders instead.

Producers here are idempotent with acks=all and consumers begin at the earliest offset without auto-commit, unless a
test says otherwise. Calls block; none waits longer than its deadline.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from compat_tests.tools import DEADLINE_S, Deadline

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
Header = tuple[str, bytes | None]
Place = tuple[str, int]  # topic and partition


@dataclass(frozen=True, slots=True)
class Out:
    """A record on its way to the broker."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[Header, ...] = ()
    partition: int = 0
    timestamp_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A record as a consumer showed it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]
    timestamp_ms: int
    log_append_time: bool

    @property
    def content(self) -> tuple[int, bytes | None, bytes | None, tuple[Header, ...], int]:
        """What a producer decides: the same for every reader."""
        return (self.partition, self.key, self.value, self.headers, self.timestamp_ms)


@dataclass(frozen=True, slots=True)
class Stored:
    """The answer to one record: where it is."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The answer to one record: Kafka's error code, in the client's words."""

    code: int
    text: str


class ClientError(Exception):
    """An error of the client library, with Kafka's code."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code


Answer = Stored | Refused


class Producer(ABC):
    @abstractmethod
    def send_all(self, topic: str, records: Iterable[Out], seconds: float = DEADLINE_S) -> list[Answer]:
        """Sends in order, flushes, and gives answer i to record i."""

    def send(self, topic: str, *records: Out) -> list[Stored]:
        """Sends records that must be accepted."""
        answers = self.send_all(topic, records)
        refused = [answer for answer in answers if isinstance(answer, Refused)]
        assert not refused, refused
        return [answer for answer in answers if isinstance(answer, Stored)]

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Producer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass
class Rebalances:
    """How often partitions were given and taken, by the client's own callbacks."""

    assigned: int = 0
    revoked: int = 0
    places: list[set[Place]] = field(default_factory=list)


class Consumer(ABC):
    rebalances: Rebalances

    @abstractmethod
    def subscribe(self, *topics: str) -> None: ...

    @abstractmethod
    def assign(self, places: Sequence[Place]) -> None: ...

    @abstractmethod
    def poll(self, seconds: float = 0.2) -> list[Record]: ...

    @abstractmethod
    def assignment(self) -> set[Place]: ...

    @abstractmethod
    def seek(self, place: Place, offset: int) -> None: ...

    @abstractmethod
    def pause(self, place: Place) -> None: ...

    @abstractmethod
    def resume(self, place: Place) -> None: ...

    @abstractmethod
    def position(self, place: Place) -> int: ...

    @abstractmethod
    def commit(self, offsets: Mapping[Place, int] | None = None) -> None:
        """Commits these offsets, or the positions of what was polled."""

    @abstractmethod
    def committed(self, place: Place) -> int | None: ...

    @abstractmethod
    def offset_for_time(self, place: Place, timestamp_ms: int) -> int | None:
        """The first offset at or after a time; None when all records are older."""

    @abstractmethod
    def watermarks(self, place: Place) -> tuple[int, int]:
        """The log's start and its high watermark."""

    @abstractmethod
    def close(self) -> None: ...

    def read(self, count: int, seconds: float = DEADLINE_S) -> list[Record]:
        """Polls until `count` records came; more in the last poll are kept in the answer too."""
        records: list[Record] = []
        deadline = Deadline(f"{count} records", seconds)
        while len(records) < count:
            records += self.poll()
            deadline.check(f"(have {len(records)})")
        return records

    def __enter__(self) -> Consumer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Client(ABC):
    """A client library connected to one broker; makes producers and consumers and closes those left open."""

    name: str
    null_headers = True  # can it write a header without a value?
    all_null = True  # can it write a record with neither key nor value?

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    @abstractmethod
    def create_topic(self, name: str, partitions: int = 1, config: Mapping[str, str] | None = None) -> str: ...

    @abstractmethod
    def delete_topic(self, name: str) -> None: ...

    @abstractmethod
    def delete_records(self, place: Place, before: int) -> None: ...

    @abstractmethod
    def producer(
        self,
        *,
        compression: str = "none",
        acks: int | str = "all",
        idempotent: bool = True,
        linger_ms: int = 5,
        max_request_bytes: int = 1 << 20,
    ) -> Producer: ...

    @abstractmethod
    def consumer(
        self,
        *,
        group: str | None = None,
        instance_id: str | None = None,
        reset: str = "earliest",
        session_timeout_ms: int = 45_000,
        heartbeat_ms: int = 300,
        fetch_max_wait_ms: int = 500,
        partition_bytes: int = 1 << 20,
        auto_create: bool = True,
    ) -> Consumer: ...

    def read_all(self, topic: str, count: int, partitions: Iterable[int] = (0,)) -> list[Record]:
        """The first `count` records of a topic, by manual assignment from its beginning."""
        with self.consumer() as consumer:
            consumer.assign([(topic, partition) for partition in partitions])
            return consumer.read(count)

    @abstractmethod
    def close(self) -> None: ...
