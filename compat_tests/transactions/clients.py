"""Transactions of three client libraries behind one small interface: begin, send, offsets, commit, abort.

Whatever tells a producer that somebody else has its transactional id becomes `Fenced`; everything else stays as it is.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from compat_tests.drivers import Place
from compat_tests.tools import DEADLINE_S, Deadline, need_module

FENCED_NUMBERS = {47, 49, 90}


class Fenced(Exception):
    """Somebody else has this transactional id now."""


class Producer(ABC):
    """A transactional producer. It is initialised when it is made, which fences the one before."""

    @abstractmethod
    def begin(self) -> None: ...

    @abstractmethod
    def send(self, topic: str, value: bytes, partition: int = 0) -> None: ...

    @abstractmethod
    def flush(self) -> None:
        """Everything sent so far has been answered."""

    @abstractmethod
    def send_offsets(self, offsets: Mapping[Place, int], consumer: Consumer) -> None: ...

    @abstractmethod
    def commit(self) -> None: ...

    @abstractmethod
    def abort(self) -> None: ...

    @abstractmethod
    def close(self) -> None: ...


class Consumer(ABC):
    """Reads topics from the start, for a group or alone."""

    @abstractmethod
    def poll(self) -> list[tuple[Place, int, bytes]]: ...

    @abstractmethod
    def close(self) -> None: ...

    def until(self, value: bytes, seconds: float = DEADLINE_S) -> list[bytes]:
        """All values up to this one, which must come."""
        deadline = Deadline(f"the record {value!r}", seconds)
        seen: list[bytes] = []
        while value not in seen:
            seen += [each for _, _, each in self.poll()]
            deadline.check(f"(have {len(seen)})")
        return seen


# --- confluent-kafka --------------------------------------------------------------------------------------------------


class ConfluentProducer(Producer):
    def __init__(self, bootstrap: str, transactional_id: str, timeout_ms: int) -> None:
        library = need_module("confluent_kafka")
        self.error = library.KafkaException
        self.failed: list[Any] = []
        self.inner = library.Producer(
            {
                "bootstrap.servers": bootstrap,
                "transactional.id": transactional_id,
                "transaction.timeout.ms": timeout_ms,
                "linger.ms": 0,
            }
        )
        self._do(self.inner.init_transactions, DEADLINE_S)

    def _do(self, call: Any, *arguments: Any) -> None:
        try:
            call(*arguments)
        except self.error as error:
            if error.args[0].fatal() or error.args[0].code() in FENCED_NUMBERS:
                raise Fenced(str(error)) from None
            raise

    def begin(self) -> None:
        self._do(self.inner.begin_transaction)

    def send(self, topic: str, value: bytes, partition: int = 0) -> None:
        self.inner.produce(topic, value, partition=partition)
        self.inner.poll(0)

    def flush(self) -> None:
        self.inner.flush(DEADLINE_S)

    def send_offsets(self, offsets: Mapping[Place, int], consumer: Consumer) -> None:
        from confluent_kafka import TopicPartition

        assert isinstance(consumer, ConfluentConsumer)
        given = [TopicPartition(topic, index, offset) for (topic, index), offset in offsets.items()]
        self._do(
            self.inner.send_offsets_to_transaction, given, consumer.inner.consumer_group_metadata(), DEADLINE_S
        )

    def commit(self) -> None:
        self._do(self.inner.commit_transaction, DEADLINE_S)

    def abort(self) -> None:
        self._do(self.inner.abort_transaction, DEADLINE_S)

    def close(self) -> None:
        pass  # it ends when nobody holds it


class ConfluentConsumer(Consumer):
    def __init__(self, bootstrap: str, topic: str, group: str | None, committed: bool, partition: int) -> None:
        library = need_module("confluent_kafka")
        self.inner = library.Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": group or "alone",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed" if committed else "read_uncommitted",
                "session.timeout.ms": 6_000,
            }
        )
        if group is None:
            self.inner.assign([library.TopicPartition(topic, partition, 0)])
        else:
            self.inner.subscribe([topic])

    def poll(self) -> list[tuple[Place, int, bytes]]:
        found = self.inner.consume(100, 0.2)
        for each in found:
            assert each.error() is None, each.error()
        return [((each.topic(), each.partition()), each.offset(), each.value()) for each in found]

    def close(self) -> None:
        self.inner.close()


# --- kafka-python -----------------------------------------------------------------------------------------------------


class KafkaPythonProducer(Producer):
    def __init__(self, bootstrap: str, transactional_id: str, timeout_ms: int) -> None:
        library = need_module("kafka")
        self.fenced = (library.errors.ProducerFencedError, library.errors.InvalidProducerEpochError)
        self.inner = library.KafkaProducer(
            bootstrap_servers=bootstrap, transactional_id=transactional_id, transaction_timeout_ms=timeout_ms
        )
        self.sent: list[Any] = []
        self._do(self.inner.init_transactions)

    def _do(self, call: Any, *arguments: Any) -> None:
        try:
            call(*arguments)
        except self.fenced as error:
            raise Fenced(str(error)) from None
        except Exception as error:
            if isinstance(error.__cause__, self.fenced) or any(isinstance(each, self.fenced) for each in error.args):
                raise Fenced(str(error)) from None
            raise

    def begin(self) -> None:
        self.sent = []
        self._do(self.inner.begin_transaction)

    def send(self, topic: str, value: bytes, partition: int = 0) -> None:
        self.sent.append(self.inner.send(topic, value, partition=partition))

    def flush(self) -> None:
        for each in self.sent:
            each.get(DEADLINE_S)

    def send_offsets(self, offsets: Mapping[Place, int], consumer: Consumer) -> None:
        from kafka import TopicPartition
        from kafka.structs import OffsetAndMetadata

        assert isinstance(consumer, KafkaPythonConsumer)
        given = {
            TopicPartition(topic, index): OffsetAndMetadata(offset, "", -1)
            for (topic, index), offset in offsets.items()
        }
        self._do(self.inner.send_offsets_to_transaction, given, consumer.inner.group_metadata())

    def commit(self) -> None:
        self._do(self.inner.commit_transaction)

    def abort(self) -> None:
        self._do(self.inner.abort_transaction)

    def close(self) -> None:
        self.inner.close(timeout=1)


class KafkaPythonConsumer(Consumer):
    def __init__(self, bootstrap: str, topic: str, group: str | None, committed: bool, partition: int) -> None:
        library = need_module("kafka")
        self.inner = library.KafkaConsumer(
            bootstrap_servers=bootstrap,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed" if committed else "read_uncommitted",
        )
        if group is None:
            self.inner.assign([library.TopicPartition(topic, partition)])
        else:
            self.inner.subscribe([topic])

    def poll(self) -> list[tuple[Place, int, bytes]]:
        return [
            ((each.topic, each.partition), each.offset, each.value)
            for found in self.inner.poll(timeout_ms=200).values()
            for each in found
        ]

    def close(self) -> None:
        self.inner.close()


# --- aiokafka ---------------------------------------------------------------------------------------------------------


class AioKafkaProducer(Producer):
    def __init__(self, bootstrap: str, transactional_id: str, timeout_ms: int) -> None:
        library = need_module("aiokafka")
        from compat_tests.drivers.aiokafka import LoopThread

        errors = library.errors
        self.fenced = (errors.ProducerFenced, errors.InvalidProducerEpoch)
        self.thread = LoopThread()
        self.sent: list[Any] = []

        async def make() -> Any:
            made = library.AIOKafkaProducer(
                bootstrap_servers=bootstrap, transactional_id=transactional_id, transaction_timeout_ms=timeout_ms
            )
            await made.start()
            return made

        self.inner = self.thread.run(make())

    def _run(self, coroutine: Any) -> Any:
        try:
            return self.thread.run(coroutine)
        except self.fenced as error:
            raise Fenced(str(error)) from None

    def begin(self) -> None:
        self.sent = []
        self._run(self.inner.begin_transaction())

    def send(self, topic: str, value: bytes, partition: int = 0) -> None:
        self.sent.append(self._run(self.inner.send(topic, value, partition=partition)))

    def flush(self) -> None:
        async def answered() -> None:
            await asyncio.gather(*self.sent)

        self._run(answered())

    def send_offsets(self, offsets: Mapping[Place, int], consumer: Consumer) -> None:
        from aiokafka import TopicPartition

        assert isinstance(consumer, AioKafkaConsumer)
        given = {TopicPartition(topic, index): offset for (topic, index), offset in offsets.items()}
        self._run(self.inner.send_offsets_to_transaction(given, consumer.group))

    def commit(self) -> None:
        self._run(self.inner.commit_transaction())

    def abort(self) -> None:
        self._run(self.inner.abort_transaction())

    def close(self) -> None:
        try:
            self.thread.run(self.inner.stop(), 5)
        except Exception:
            pass  # a fenced producer cannot end in good order
        finally:
            self.thread.close()


class AioKafkaConsumer(Consumer):
    def __init__(self, bootstrap: str, topic: str, group: str | None, committed: bool, partition: int) -> None:
        library = need_module("aiokafka")
        from compat_tests.drivers.aiokafka import LoopThread

        self.group = group
        self.thread = LoopThread()

        async def make() -> Any:
            made = library.AIOKafkaConsumer(
                bootstrap_servers=bootstrap,
                group_id=group,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed" if committed else "read_uncommitted",
            )
            if group is None:
                made.assign([library.TopicPartition(topic, partition)])
            else:
                made.subscribe([topic])
            await made.start()
            return made

        self.inner = self.thread.run(make())

    def poll(self) -> list[tuple[Place, int, bytes]]:
        found = self.thread.run(self.inner.getmany(timeout_ms=200))
        return [
            ((each.topic, each.partition), each.offset, each.value) for records in found.values() for each in records
        ]

    def close(self) -> None:
        self.thread.run(self.inner.stop())
        self.thread.close()


PRODUCERS: dict[str, type[Any]] = {
    "kafka-python": KafkaPythonProducer,
    "aiokafka": AioKafkaProducer,
    "confluent": ConfluentProducer,
}
CONSUMERS: dict[str, type[Any]] = {
    "kafka-python": KafkaPythonConsumer,
    "aiokafka": AioKafkaConsumer,
    "confluent": ConfluentConsumer,
}
