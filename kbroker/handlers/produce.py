"""Produce: batches go into the logs of their partitions, as they are.

Per partition: the header is checked and the producer's sequence, the batch gets its place and goes to the engine, which
writes what a turn of the loop has for a log at once. The answer waits for the write; with acks=-1 also until every
in-sync replica has it (the high watermark passes the batch), at most timeoutMs. With acks=0 there is no answer at all:
whatever goes wrong closes the connection instead. No partition's trouble touches another partition of the request.

A duplicate of a batch that is known is a success with the offset that it got first (KIP-98); its logAppendTimeMs is,
oddly, the batch's greatest timestamp.

The first batch of a transaction in a partition waits until the transaction's coordinator has said that the partition is
part of it (KIP-890, _admission.py); all such batches of a request are asked about together.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from functools import partial

from kbroker.catalog import Topic
from kbroker.context import LATER, Context, Later
from kbroker.handlers import _admission as admission
from kbroker.handlers._leaders import Leaders
from kbroker.machine import Producer
from kbroker.partitions import Partition
from kbroker.partitions.producers import Duplicate
from kbroker.partitions.staging import WRITTEN, Staging
from kbroker.partitions.undecided import Admission
from kbroker.partitions.validate import Rejected, Unreadable, is_transactional
from kbroker.world import Handle
from wire.batch import Batch
from wire.errors import ErrorCode, KafkaError
from wire.messages.produce import (
    BatchIndexAndErrorMessage,
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
    TopicProduceResponse,
)

NO_LEADER: LeaderIdAndEpoch = LeaderIdAndEpoch.__default__()  # these three are shared by all answers that have none
NO_ENDPOINTS: list[NodeEndpoint] = []
NO_ERRORS: list[BatchIndexAndErrorMessage] = []

log = logging.getLogger("kbroker.handlers.produce")

ACKS_ALL, ACKS_NONE, ACKS_LEADER = ANY_ACKS = (-1, 0, 1)
ADMIN_CLIENT = "__admin_client"  # Kafka's own tools may write to internal topics

# Errors with which Kafka does not tell the start of the log.
WITHOUT_LOG_START = frozenset(
    (
        ErrorCode.CORRUPT_MESSAGE,
        ErrorCode.MESSAGE_TOO_LARGE,
        ErrorCode.RECORD_LIST_TOO_LARGE,
        ErrorCode.INVALID_TOPIC_EXCEPTION,
        ErrorCode.KAFKA_STORAGE_ERROR,
    )
)


def produce(request: ProduceRequest, ctx: Context) -> ProduceResponse | Later | None:
    topics_by_id = ctx.version >= 13  # KIP-516
    answer = _Answer(request, ctx)
    for asked in request.topic_data:
        answer.add_topic(asked, topics_by_id)
    return answer.start()


class _Answer(ProduceResponse):
    """The answer in the making: one part per partition, in the order of the request."""

    __slots__ = ("_asking", "_is_late", "_open", "_parts", "_timer", "acks", "ctx", "is_transactional", "leaders",
                 "request", "zstd_allowed")  # fmt: skip

    def __init__(self, request: ProduceRequest, ctx: Context) -> None:
        self.responses = []
        self.throttle_time_ms = 0
        self.node_endpoints = NO_ENDPOINTS
        self.unknown_tags = None
        self.request = request
        self.ctx = ctx
        self.acks = request.acks
        self.zstd_allowed = ctx.version >= 7  # KIP-110
        self.leaders: Leaders | None = None
        self._parts: list[_Part] = []
        self._asking: dict[Producer, list[_Part]] | None = None
        self._open = 1  # the parts that are not done, and `start`
        self._is_late = False
        self.is_transactional = False  # whether any batch is
        self._timer: Handle | None = None

    @property
    def tells_leaders(self) -> bool:
        return self.ctx.version >= 10  # KIP-951

    @property
    def adds_partitions(self) -> bool:
        return self.ctx.version >= 12  # KIP-890

    def add_topic(self, asked: TopicProduceData, by_id: bool) -> None:
        cluster = self.ctx.cluster
        topic = cluster.catalog.topic_by_id(asked.topic_id) if by_id else cluster.catalog.topic(asked.name)
        wanted: Collection[PartitionProduceData] = asked.partition_data
        if len(wanted) > 1:  # of one that is named twice the last word counts
            wanted = {one.index: one for one in wanted}.values()
        refusal = None
        if topic is None or topic.internal or cluster.authorizer is not None or self.acks not in ANY_ACKS:
            refusal = self._refusal(topic, asked.name, by_id)
        parts: list[PartitionProduceResponse] = []
        for one in wanted:
            part = _Part(self, topic, one)
            parts.append(part)
            self._parts.append(part)
            if refusal is not None:
                part.refuse(refusal)
        self.responses.append(_Topic(asked, parts))

    def _refusal(self, topic: Topic | None, name: str, by_id: bool) -> KafkaError | None:
        """Why nothing may be written to any partition of the topic."""
        if self.acks not in ANY_ACKS:
            return KafkaError(ErrorCode.INVALID_REQUIRED_ACKS)
        if topic is None and by_id:
            return KafkaError(ErrorCode.UNKNOWN_TOPIC_ID)
        if not self.ctx.authorize("WRITE", "TOPIC", (name if topic is None else topic.name,))[0]:
            return KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
        if topic is None:
            return KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        if topic.internal and self.ctx.client_id != ADMIN_CLIENT:
            return KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, f"Clients may not write to {topic.name}.")
        return None

    def _refuses_transactions(self) -> bool:
        """One transactional batch without an id that may be used refuses the whole request."""
        name = self.request.transactional_id
        return name is None or not self.ctx.authorize("WRITE", "TRANSACTIONAL_ID", (name,))[0]

    def start(self) -> ProduceResponse | Later | None:
        """Write, and answer at once when nothing has to be waited for."""
        if self.is_transactional and self._refuses_transactions():
            for part in self._parts:
                part.refuse(KafkaError(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED))
        self._open += len(self._parts)
        for part in self._parts:
            part.start()
        if self._asking is not None:
            self._ask_for_all(self._asking)
        self._is_late = True
        self._open -= 1
        if self._open:
            return LATER
        outcome = self._outcome()
        self._let_go()
        if isinstance(outcome, KafkaError):
            raise outcome
        return outcome

    def _let_go(self) -> None:
        """Parts know their answer and it knows them: without this each request would wait for the garbage collector."""
        for part in self._parts:
            del part.answer

    def admit(self, part: _Part, producer: Producer) -> None:
        """With the others of the request; alone when its partition has come late."""
        if self._is_late:
            self._ask(producer, [part])
        else:
            self._asking = self._asking or {}
            self._asking.setdefault(producer, []).append(part)

    def _ask_for_all(self, asking: dict[Producer, list[_Part]]) -> None:
        for producer, parts in asking.items():
            self._ask(producer, parts)

    def _ask(self, producer: Producer, parts: Sequence[_Part]) -> None:
        """The coordinator is asked whether the transaction may write to these partitions."""
        transactional_id = self.request.transactional_id
        assert transactional_id is not None
        places = [part.place for part in parts]
        admission.ask(self.ctx, transactional_id, producer, places, self.adds_partitions, partial(_admitted, parts))

    def done(self) -> None:
        """One part less to wait for."""
        self._open -= 1
        if self._open:
            return
        if self._timer is not None:
            self._timer.cancel()
        self.ctx.answer(self if self.acks != ACKS_NONE and self.leaders is None else self._outcome())
        self._let_go()

    def _outcome(self) -> ProduceResponse | KafkaError | None:
        """What is answered. Without acks that is nothing, or why the connection is closed."""
        if self.acks == ACKS_NONE:
            for part in self._parts:
                if part.error_code:
                    return KafkaError(ErrorCode(part.error_code), part.error_message)
            return None
        if self.leaders is not None and self.leaders.named:
            self.node_endpoints = [
                NodeEndpoint(node_id=node_id, host=host, port=port, rack=rack)
                for node_id, host, port, rack in self.leaders.endpoints()
            ]
        return self

    def wait_for_replicas(self) -> None:
        """One timer for the whole request, and only when something waits for replicas."""
        if self._timer is None:
            seconds = max(self.request.timeout_ms, 0) / 1000
            self._timer = self.ctx.cluster.world.later(seconds, self._timed_out)

    def _timed_out(self) -> None:
        for part in self._parts:
            part.timed_out()


def _admitted(parts: Sequence[_Part], errors: Sequence[KafkaError | None]) -> None:
    for part, error in zip(parts, errors, strict=True):
        part.admitted(error)


class _Topic(TopicProduceResponse):
    """What is answered of a topic; made in half the time that keywords take."""

    __slots__ = ()

    def __init__(self, asked: TopicProduceData, parts: list[PartitionProduceResponse]) -> None:
        self.name = asked.name
        self.topic_id = asked.topic_id
        self.partition_responses = parts
        self.unknown_tags = None


class _Part(PartitionProduceResponse):
    """One partition of the request: what is answered of it, and how that comes about."""

    __slots__ = ("_admission", "_done", "_needs", "_partition", "_records", "answer", "topic")
    __deletable__ = ("answer",)  # a compiled class asks to be told

    def __init__(self, answer: _Answer, topic: Topic | None, asked: PartitionProduceData) -> None:
        self.index = asked.index
        self.error_code = 0
        self.base_offset = self.log_append_time_ms = self.log_start_offset = -1
        self.record_errors = NO_ERRORS
        self.error_message = None
        self.current_leader = NO_LEADER
        self.unknown_tags = None
        self.answer = answer
        self.topic = topic
        self._records = records = asked.records
        self._partition: Partition | None = None
        self._admission: Admission | None = None
        self._needs = 0
        self._done = False
        if is_transactional(records):
            answer.is_transactional = True

    @property
    def size(self) -> int:
        """What was taken, in bytes."""
        return 0 if self._records is None else len(self._records)

    @property
    def count(self) -> int:
        """What was taken, in records."""
        return self._needs - self.base_offset

    def start(self) -> None:
        if self.error_code:
            self._finish()
            return
        try:
            ctx = self.answer.ctx
            self._partition = partition = ctx.cluster.partitions.lookup(ctx.node.id, self.topic, self.index)
            if partition.is_loading or self.answer.is_transactional or partition.rules.codec is not None:
                partition.when_open(self._ask_first if is_transactional(self._records) else self._pack)
            else:
                self._stage()
        except KafkaError as error:
            self.fail(error)

    @property
    def place(self) -> tuple[str, int]:
        assert self.topic is not None
        return self.topic.name, self.index

    def _ask_first(self) -> None:
        """The first batch of a transaction here needs an admission. Whatever else is wrong with it is found later."""
        partition = self._partition
        assert partition is not None
        header = admission.header_of(self._records)
        if header is None or not partition.is_open or partition.is_ongoing(*header[:2]):
            self._pack()
        else:
            self._admission = partition.undecided.admission(*header)
            self.answer.admit(self, Producer(*header[:2]))

    def admitted(self, error: KafkaError | None) -> None:
        """What the coordinator has said."""
        if error is None:
            self._pack()
        else:
            self.refuse(error)
            self.log_start_offset = -1  # the log was not asked
            self._finish()

    def _pack(self) -> None:
        """Where the topic has a codec of its own; else there is nothing to do."""
        partition = self._partition
        assert partition is not None
        if partition.rules.codec is None:
            self._stage()
        else:
            from kbroker.partitions.packing import pack

            pack(partition, self._records, self._stage)

    def _stage(self, packed: Batch | None = None) -> None:
        partition, answer = self._partition, self.answer
        assert partition is not None
        try:
            if answer.acks == ACKS_ALL and partition.lacks_replicas:
                raise KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS)
            staged = partition.stage(self._records, answer.zstd_allowed, self._admission, packed)
        except KafkaError as error:
            self.fail(error)
            return
        except Exception:
            log.exception("a batch for %s failed in a way that nobody foresaw", partition.name)
            self.fail(KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR))
            return
        if isinstance(staged, Duplicate):
            self._told_before(partition, staged)
        else:
            self.log_append_time_ms = staged.log_append_time
            self.base_offset = staged.expected_end
            staged.when_settled(self._settled)
            partition.write(staged)

    def _told_before(self, partition: Partition, duplicate: Duplicate) -> None:
        entry = duplicate.entry
        self.log_append_time_ms = entry.max_timestamp
        self.base_offset = entry.base_offset
        if isinstance(under_way := entry.write, Staging):
            under_way.when_settled(self._settled)
        else:
            self._written(partition, entry.last_offset + 1)

    def _settled(self, staging: Staging) -> None:
        partition = staging.partition
        if staging.state == WRITTEN:
            self._written(partition, staging.end)
        else:
            self.log_append_time_ms = -1
            self.fail(KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, f"The write to {partition.name} failed."))

    def _written(self, partition: Partition, next_offset: int) -> None:
        self.log_start_offset = partition.log_start
        self._needs = next_offset
        if self.answer.acks == ACKS_ALL and (
            partition.replicas.high_watermark < next_offset or partition.lacks_replicas
        ):
            self._replicated()
        else:
            self._finish()

    def _replicated(self) -> None:
        """Looks whether the in-sync replicas have it; called again whenever that may have changed."""
        if self._done:
            return
        partition, answer = self._partition, self.answer
        assert partition is not None
        replicas = partition.replicas
        if replicas.high_watermark >= self._needs:
            if partition.lacks_replicas:
                self.error_code = ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND
            self._finish()
        elif partition.is_dropped:
            self.fail(KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION))
        elif replicas.leader != answer.ctx.node.id:
            self.fail(KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER))
        else:
            partition.waiters.at(self._needs, self._replicated)
            answer.wait_for_replicas()

    def timed_out(self) -> None:
        if not self._done and self._needs:
            self.error_code = ErrorCode.REQUEST_TIMED_OUT
            self._finish()

    def fail(self, error: KafkaError) -> None:
        self.refuse(error)
        self._finish()

    def refuse(self, error: KafkaError) -> None:
        answer = self.answer
        self.error_code = error.code
        self.error_message = error.message
        self.base_offset = -1
        self.log_start_offset = -1
        if isinstance(error, Rejected):
            self.record_errors = [_blame(index, message) for index, message in error.record_errors]
        found_in_log = not isinstance(error, Unreadable) and error.code not in WITHOUT_LOG_START
        if self._partition is not None and found_in_log:
            self.log_start_offset = self._partition.log_start
        if answer.tells_leaders:
            if answer.leaders is None:
                answer.leaders = Leaders(answer.ctx)
            leader = answer.leaders.name(error.code, self.topic, self.index)
            if leader is not None:
                self.current_leader = LeaderIdAndEpoch(leader_id=leader[0], leader_epoch=leader[1])

    def _finish(self) -> None:
        self._done = True
        self.answer.done()


def _blame(index: int, message: str) -> BatchIndexAndErrorMessage:
    return BatchIndexAndErrorMessage(batch_index=index, batch_index_error_message=message)
