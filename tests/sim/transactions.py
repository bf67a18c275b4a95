"""Lives with transactions: what is read is copied exactly once, whatever happens to the broker and to the copiers.

    Feeder        writes the input, a few records in each partition of the topic `numbers`
    Copier        per input partition one transactional id: reads from the group's committed offset on, writes a copy of
                  each record somewhere into `events`, commits the offset in the same transaction - or aborts
    rivals        more copiers with the same transactional ids, who come, fence the others, and vanish
    Scribbler     transactions over many partitions, committed, aborted or left open; a Deserter leaves the last one
    Witness       reads `events` as a consumer of committed records does

A copy says which input it was made of, by whom, and in which transaction. Each instance of a copier speaks one of the
two generations of the protocol, as the dice say.

report = live_through(seed, None, TransactionLife)
python -m tests.sim.transactions SEED... | FIRST-LAST
"""

import asyncio
import sys
import time
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kbroker.machine import Producer
from wire.batch import batches, verify_crc
from wire.errors import ErrorCode
from wire.messages.add_offsets_to_txn import AddOffsetsToTxnRequest, AddOffsetsToTxnResponse
from wire.messages.add_partitions_to_txn import (
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnTopic,
)
from wire.messages.create_topics import CreatableTopic, CreateTopicsRequest, CreateTopicsResponse
from wire.messages.end_txn import EndTxnRequest, EndTxnResponse
from wire.messages.fetch import FetchPartition, FetchRequest, FetchResponse, FetchTopic, PartitionData
from wire.messages.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from wire.messages.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse
from wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
    OffsetFetchResponse,
)
from wire.messages.produce import PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData
from wire.messages.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
    TxnOffsetCommitResponse,
)
from wire.records import ABORT, Record, build_batch, control_type, iterate
from wire.schema import Request, Response

from .actors import INIT_VERSION, METADATA_VERSION, RETRIABLE, TOPIC, Actor, decode, encode
from .client import Connection, Gone
from .faults import kill
from .history import Value
from .life import PARTITIONS, Life, live_through
from .loop import passed

R = TypeVar("R", bound=Response)
Place = tuple[str, int]

INPUT, INPUTS, GROUP = "numbers", 2, "copiers"
RECORDS = 16  # of each input partition
GROUP_KEY, TRANSACTION_KEY = 0, 1
TIMEOUT_MS = 4_000
FETCH_VERSION, FIND_VERSION, FETCH_OFFSETS_VERSION, ADD_VERSION = 12, 4, 8, 3
PATIENCE = 600  # tries after which something never comes to be; a sick disk may take most of a life

OVER = {
    ErrorCode.PRODUCER_FENCED,
    ErrorCode.INVALID_PRODUCER_EPOCH,
    ErrorCode.INVALID_PRODUCER_ID_MAPPING,
    ErrorCode.INVALID_TXN_STATE,
    ErrorCode.TRANSACTION_ABORTABLE,
    ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
}
"""After these a transaction is lost, and an instance gives up."""
AGAIN = RETRIABLE | {ErrorCode.CONCURRENT_TRANSACTIONS, ErrorCode.UNSTABLE_OFFSET_COMMIT}


class Over(Exception):
    """This instance of a transactional producer has come to its end."""


# --- what was seen ----------------------------------------------------------------------------------------------------


@dataclass
class Transaction:
    """As its producer knows it. `end` is None while nobody has asked for one, then what was asked for and when first;
    `answered` says that the broker has agreed.
    """

    name: str
    transactional_id: str
    producer: Producer
    values: list[Value] = field(default_factory=list)
    offset: tuple[int, int] | None = None
    """Input partition, and the offset that it commits."""
    end: tuple[bool, float] | None = None
    answered: bool = False


@dataclass
class Story:
    """What the clients of one life saw of transactions."""

    transactions: dict[str, Transaction] = field(default_factory=dict)
    takeovers: list[tuple[str, Producer, float]] = field(default_factory=list)
    """(transactional id, producer, when the broker had told it so)"""
    reads: dict[str, list[tuple[Place, int, Value]]] = field(default_factory=lambda: defaultdict(list))
    ends: list[tuple[str, Place, int, int, int]] = field(default_factory=list)
    """(witness, partition, where it has come to, last stable offset, high watermark), when all is over"""
    final: list[tuple[Place, int, Value]] = field(default_factory=list)
    """The committed records, by somebody who came last."""
    offsets: dict[int, int] = field(default_factory=dict)
    """The group's offsets in the end."""


def aborted_reads(story: Story) -> list[str]:
    """Nobody sees what was aborted, or what nobody wanted to commit."""
    found = []
    for reader, rows in [*story.reads.items(), ("the last one", story.final)]:
        for place, offset, value in rows:
            transaction = story.transactions[value[0]]
            if transaction.end is None:
                found.append(f"{reader} read {value} at {place} {offset}, which nobody has asked to commit")
            elif not transaction.end[0]:
                found.append(f"{reader} read {value} at {place} {offset}, which was to be aborted")
    return found


def lost_commits(story: Story) -> list[str]:
    """What was committed for sure is there."""
    there = {value for _, _, value in story.final}
    return [
        f"{value} was committed"
        for each in story.transactions.values()
        if each.answered and each.end is not None and each.end[0]
        for value in each.values
        if value not in there
    ]


def torn_transactions(story: Story) -> list[str]:
    """Of a transaction there is everything or nothing."""
    there = {value for _, _, value in story.final}
    return [
        f"{name}: {sum(value in there for value in each.values)} of {len(each.values)} records are there"
        for name, each in story.transactions.items()
        if 0 < sum(value in there for value in each.values) < len(each.values)
    ]


def fenced_writes(story: Story) -> list[str]:
    """Who asks to commit after somebody else has the id does so in vain."""
    there = {value[0] for _, _, value in story.final}
    found = []
    for name, each in story.transactions.items():
        if each.end is None or not each.end[0] or name not in there:
            continue
        for transactional_id, other, at in story.takeovers:
            is_newer = other.id == each.producer.id and other.epoch > each.producer.epoch
            if transactional_id == each.transactional_id and is_newer and at < each.end[1]:
                found.append(f"{name} is there, and {other} had the id before that was asked for")
                break
    return found


def miscounts(story: Story) -> list[str]:
    """Each input is copied exactly once, up to the offset that the group has committed, and none beyond it."""
    counts = Counter((value[1], value[2]) for _, _, value in story.final if value[0].startswith("copy"))
    found = [f"input {place} was copied {count} times" for place, count in counts.items() if count > 1]
    for partition in range(INPUTS):
        copied = {offset for index, offset in counts if index == partition}
        committed = story.offsets.get(partition, 0)
        if copied != set(range(committed)):
            found.append(f"of input {partition} the offset {committed} is committed, and copied were {sorted(copied)}")
        if committed != RECORDS:
            found.append(f"input {partition} has {RECORDS} records, and only {committed} were ever copied")
    return found


def doubled_records(story: Story) -> list[str]:
    counts = Counter(value for _, _, value in story.final)
    return [f"{value} is there {count} times" for value, count in counts.items() if count > 1]


def different_views(story: Story) -> list[str]:
    """Every witness has seen, up to where it has come, the same committed records in the same order."""
    found = []
    for witness, place, position, _, _ in story.ends:
        mine = [(offset, value) for at, offset, value in story.reads[witness] if at == place]
        others = [(offset, value) for at, offset, value in story.final if at == place and offset < position]
        if mine != others:
            first = next((each for each in zip(mine, others, strict=False) if each[0] != each[1]), (mine[len(others):],
                         others[len(mine):]))  # fmt: skip
            found.append(f"{witness} and the last reader differ in {place}: {first}")
    return found


def hanging_transactions(story: Story) -> list[str]:
    """In the end nothing is undecided."""
    return [
        f"{place} is stable up to {stable} only, of {high_watermark}"
        for _, place, _, stable, high_watermark in story.ends
        if stable != high_watermark
    ]


CHECKERS = (
    aborted_reads, lost_commits, torn_transactions, fenced_writes, miscounts, doubled_records, different_views,
    hanging_transactions,
)  # fmt: skip


# --- who is at work ---------------------------------------------------------------------------------------------------


class Client(Actor):
    """Finds leaders of any topic, and coordinators."""

    story: Story

    def setup(self, story: Story) -> "Client":
        self.story = story
        self.where: dict[tuple[str, int], int] = {}
        return self

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def leads(self, place: Place) -> Connection:
        while place not in self.where:
            request = MetadataRequest(
                topics=[MetadataRequestTopic(name=place[0])],
                allow_auto_topic_creation=False,
                include_topic_authorized_operations=False,
            )
            with suppress(Gone):
                answer = await (await self.connected()).ask(request, METADATA_VERSION, MetadataResponse)
                for part in answer.topics[0].partitions:
                    if part.leader_id in self.scene.addresses:
                        self.where[place[0], part.partition_index] = part.leader_id
            if place not in self.where:
                await self.pause(0.05)
        return await self.connected(self.where[place])

    async def coordinates(self, key: str, kind: int) -> Connection:
        while (key, -1 - kind) not in self.where:
            request = FindCoordinatorRequest(key_type=kind, coordinator_keys=[key])
            with suppress(Gone):
                answer = await (await self.connected()).ask(request, FIND_VERSION, FindCoordinatorResponse)
                (found,) = answer.coordinators
                if not found.error_code:
                    self.where[key, -1 - kind] = found.node_id
            if (key, -1 - kind) not in self.where:
                await self.pause(0.05)
        return await self.connected(self.where[key, -1 - kind])

    async def insist(self, kind: int, key: str, request: Request, version: int, response: type[R]) -> R:
        """Asked of a coordinator until it is answered with something that stays. Raises Over."""
        for _ in range(PATIENCE):
            try:
                answer = await (await self.coordinates(key, kind)).ask(request, version, response)
            except Gone:
                self.hits["coordinator lost"] += 1
            else:
                code = _code(answer)
                if code in OVER:
                    raise Over(f"{response.__name__} {code.name}")
                if code not in AGAIN:
                    assert code is ErrorCode.NONE, (self.name, response.__name__, code)
                    return answer
                self.hits[f"{response.__name__} {code.name}"] += 1
            self.where.pop((key, -1 - kind), None)
            await self.pause(0.02 + self.dice.random() * 0.3)
        raise AssertionError(f"{self.name} has asked {PATIENCE} times for {response.__name__}")

    async def fetch(self, place: Place, offset: int, *, committed: bool, wait_ms: int = 0) -> PartitionData | None:
        """None: ask again."""
        asked = FetchPartition(
            partition=place[1], fetch_offset=offset, partition_max_bytes=self.dice.choice((1, 300, 100_000))
        )
        request = FetchRequest(
            max_wait_ms=wait_ms,
            min_bytes=1,
            isolation_level=int(committed),
            topics=[FetchTopic(topic=place[0], partitions=[asked])],
            forgotten_topics_data=[],
        )
        try:
            answer = await (await self.leads(place)).ask(request, FETCH_VERSION, FetchResponse)
        except Gone:
            self.where.pop(place, None)
            return None
        (part,) = answer.responses[0].partitions
        if part.error_code:
            code = ErrorCode(part.error_code)
            assert code in RETRIABLE, (self.name, place, offset, code)
            self.where.pop(place, None)
            await self.pause(0.05)
            return None
        return part


def _code(answer: Any) -> ErrorCode:
    """The one error of an answer about one thing."""
    if isinstance(answer, AddPartitionsToTxnResponse):
        parts = [each for topic in answer.results_by_topic_v3_and_below for each in topic.results_by_partition]
        return ErrorCode(max(each.partition_error_code for each in parts))
    if isinstance(answer, TxnOffsetCommitResponse):
        return ErrorCode(answer.topics[0].partitions[0].error_code)
    if isinstance(answer, OffsetFetchResponse):
        (group,) = answer.groups
        codes = [part.error_code for topic in group.topics for part in topic.partitions]
        return ErrorCode(group.error_code or max(codes))
    return ErrorCode(answer.error_code)


class Feeder(Client):
    """Fills the input. What it writes twice, because an answer was lost, counts twice."""

    async def run(self) -> None:
        for partition in range(INPUTS):
            end = 0
            while end < RECORDS:
                place = (INPUT, partition)
                blob = build_batch([Record(value=b"x")] * min(self.dice.randint(1, 4), RECORDS - end))
                data = PartitionProduceData(index=partition, records=blob)
                topic = TopicProduceData(name=INPUT, partition_data=[data])
                request = ProduceRequest(transactional_id=None, acks=-1, timeout_ms=1000, topic_data=[topic])
                with suppress(Gone):
                    await (await self.leads(place)).ask(request, 12, ProduceResponse)
                part = await self.fetch(place, 0, committed=False)
                end = end if part is None else part.high_watermark


class Transactor(Client):
    """A transactional producer; `instance` counts those with the same id, over all of a life."""

    transactional_id = ""
    instance = 0
    is_done = False

    async def begin_instance(self) -> None:
        """It takes the id over, and speaks one generation of the protocol."""
        self.raises = self.dice.random() < 0.5
        Transactor.instance += 1
        self.instance = Transactor.instance
        request = InitProducerIdRequest(
            transactional_id=self.transactional_id,
            transaction_timeout_ms=self.dice.choice((TIMEOUT_MS, 60_000)),
        )
        answer = await self.insist(
            TRANSACTION_KEY, self.transactional_id, request, INIT_VERSION, InitProducerIdResponse
        )
        self.producer = Producer(answer.producer_id, answer.producer_epoch)
        self.story.takeovers.append((self.transactional_id, self.producer, self.now()))
        self.sequences: Counter[Place] = Counter()
        self.number = 0

    def begin(self) -> Transaction:
        self.number += 1
        name = f"{self.transactional_id}.{self.instance}.{self.number}"
        made = self.story.transactions[name] = Transaction(name, self.transactional_id, self.producer)
        self.added: set[Place] = set()
        return made

    async def write(self, place: Place, values: list[Value]) -> None:
        """One batch. Raises Over."""
        if not self.raises and place not in self.added:
            topics = [AddPartitionsToTxnTopic(name=place[0], partitions=[place[1]])]
            adding = AddPartitionsToTxnRequest(
                v3_and_below_transactional_id=self.transactional_id,
                v3_and_below_producer_id=self.producer.id,
                v3_and_below_producer_epoch=self.producer.epoch,
                v3_and_below_topics=topics,
            )
            await self.insist(
                TRANSACTION_KEY, self.transactional_id, adding, ADD_VERSION, AddPartitionsToTxnResponse
            )
        self.added.add(place)
        for _ in range(PATIENCE):
            if await self.written(place, values):
                self.sequences[place] += len(values)
                return
            await self.pause(0.02 + self.dice.random() * 0.2)
        raise AssertionError(f"{self.name} cannot write to {place}")

    async def written(self, place: Place, values: list[Value]) -> bool:
        blob = build_batch(
            [Record(value=encode(value), timestamp=self.scene.now_ms()) for value in values],
            producer_id=self.producer.id,
            producer_epoch=self.producer.epoch,
            base_sequence=self.sequences[place],
            transactional=True,
        )
        data = PartitionProduceData(index=place[1], records=blob)
        topic = TopicProduceData(name=place[0], partition_data=[data])
        request = ProduceRequest(
            transactional_id=self.transactional_id, acks=-1, timeout_ms=1_000, topic_data=[topic]
        )
        try:
            answer = await (await self.leads(place)).ask(request, 12 if self.raises else 11, ProduceResponse)
        except Gone:
            self.where.pop(place, None)
            return False
        (part,) = answer.responses[0].partition_responses
        code = ErrorCode(part.error_code)
        if code in OVER:
            raise Over(f"Produce {code.name}")
        assert code is ErrorCode.NONE or code in AGAIN, (self.name, code)
        if code:
            self.hits[f"transactional produce {code.name}"] += 1
            self.where.pop(place, None)
        return not code

    async def end(self, transaction: Transaction, committed: bool) -> None:
        """Raises Over, and then nobody knows."""
        transaction.end = (committed, self.now())
        if not self.added:
            transaction.answered = True
            return
        request = EndTxnRequest(
            transactional_id=self.transactional_id,
            producer_id=self.producer.id,
            producer_epoch=self.producer.epoch,
            committed=committed,
        )
        answer = await self.insist(
            TRANSACTION_KEY, self.transactional_id, request, 5 if self.raises else 4, EndTxnResponse
        )
        transaction.answered = True
        self.hits["committed" if committed else "aborted"] += 1
        if self.raises:
            self.producer = Producer(answer.producer_id, answer.producer_epoch)
            self.sequences.clear()

    async def run(self) -> None:
        while not (self.is_done or self.stopping):
            try:
                await self.begin_instance()
                await self.work()
            except Over as why:
                self.hits[f"instance over: {why}"] += 1
                await self.pause(self.dice.random() * 0.5)

    async def work(self) -> None:
        raise AssertionError("each kind works in its own way")


class Copier(Transactor):
    partition = 0
    is_rival = False

    async def work(self) -> None:
        position = await self.committed_offset()
        while position < RECORDS and not self.stopping:
            position = await self.copy(position)
            if self.is_rival and self.dice.random() < 0.5:
                self.hits["rival vanished"] += 1
                await self.pause(self.dice.random() * 6)
                return
            await self.pause(self.dice.random() ** 2)
        self.is_done = position >= RECORDS

    async def committed_offset(self) -> int:
        wanted = OffsetFetchRequestTopics(name=INPUT, partition_indexes=[self.partition])
        request = OffsetFetchRequest(
            groups=[OffsetFetchRequestGroup(group_id=GROUP, topics=[wanted])], require_stable=True
        )
        answer = await self.insist(GROUP_KEY, GROUP, request, FETCH_OFFSETS_VERSION, OffsetFetchResponse)
        return max(answer.groups[0].topics[0].partitions[0].committed_offset, 0)

    async def copy(self, position: int) -> int:
        """One transaction. Where to go on: behind what was read, or at the same place after an abort."""
        count = 0
        while not count:
            part = await self.fetch((INPUT, self.partition), position, committed=True)
            end = position
            for batch in batches(part.records) if part is not None and isinstance(part.records, memoryview) else ():
                end = batch.next_offset
            count = min(end - position, RECORDS - position, self.dice.randint(1, 4))
        transaction = self.begin()
        inputs = list(range(position, position + count))
        while inputs:
            together = self.dice.randint(1, 3)
            some, inputs = inputs[:together], inputs[together:]
            made = [(transaction.name, self.partition, offset) for offset in some]
            transaction.values += made
            await self.write((TOPIC, self.dice.randrange(PARTITIONS)), made)
        await self.commit_offset(position + count)
        transaction.offset = (self.partition, position + count)
        committed = self.dice.random() < 0.7
        if self.dice.random() < 0.1:
            self.hits["copier forgot its transaction"] += 1
            raise Over("forgetfulness")
        await self.end(transaction, committed)
        return position + count if committed else position

    async def commit_offset(self, offset: int) -> None:
        if not self.raises:
            adding = AddOffsetsToTxnRequest(
                transactional_id=self.transactional_id,
                producer_id=self.producer.id,
                producer_epoch=self.producer.epoch,
                group_id=GROUP,
            )
            await self.insist(TRANSACTION_KEY, self.transactional_id, adding, 3, AddOffsetsToTxnResponse)
        self.added.add((GROUP, -1))
        each = TxnOffsetCommitRequestPartition(
            partition_index=self.partition, committed_offset=offset, committed_metadata=""
        )
        request = TxnOffsetCommitRequest(
            transactional_id=self.transactional_id,
            group_id=GROUP,
            producer_id=self.producer.id,
            producer_epoch=self.producer.epoch,
            topics=[TxnOffsetCommitRequestTopic(name=INPUT, partitions=[each])],
        )
        await self.insist(GROUP_KEY, GROUP, request, 5 if self.raises else 3, TxnOffsetCommitResponse)


class Scribbler(Transactor):
    """Over several partitions, several batches each; a few of them left open."""

    async def work(self) -> None:
        for _ in range(self.dice.randint(2, 6)):
            transaction = self.begin()
            for number in range(self.dice.randint(1, 6)):
                values = [(transaction.name, number, i) for i in range(self.dice.randint(1, 3))]
                transaction.values += values
                await self.write((TOPIC, self.dice.randrange(PARTITIONS)), values)
                await self.pause(self.dice.random() ** 3 * 0.3)
            if self.dice.random() < 0.15:
                self.hits["transaction left open"] += 1
                await self.pause(self.dice.random() * 5)
                return
            await self.end(transaction, self.dice.random() < 0.6)
            await self.pause(self.dice.random() ** 2 * 0.5)
            if self.is_calm:
                self.is_done = True
                return


class Deserter(Transactor):
    """Comes last, writes, and is never heard of again: only time ends what it has begun."""

    async def run(self) -> None:
        await self.begin_instance()
        transaction = self.begin()
        for partition in range(PARTITIONS):
            transaction.values.append((transaction.name, partition, 0))
            await self.write((TOPIC, partition), transaction.values[-1:])


class Witness(Client):
    """A consumer of committed records: it takes what the broker sends and skips what the broker names."""

    async def run(self) -> None:
        self.position = dict.fromkeys(range(PARTITIONS), 0)
        while not self.stopping:
            partition = self.dice.randrange(PARTITIONS)
            await self.look(partition, self.story.reads[self.name], self.dice.choice((0, 50)))

    async def look(self, partition: int, into: list[tuple[Place, int, Value]], wait_ms: int) -> PartitionData | None:
        place = (TOPIC, partition)
        part = await self.fetch(place, self.position[partition], committed=True, wait_ms=wait_ms)
        if part is None:
            return None
        assert part.aborted_transactions is not None, "who reads committed records is told which ones are not"
        aborted = sorted(part.aborted_transactions, key=lambda each: each.first_offset)
        skipped: set[int] = set()
        for batch in batches(part.records) if isinstance(part.records, memoryview) else ():
            assert verify_crc(batch), f"the batch at {batch.base_offset} is broken"
            while aborted and aborted[0].first_offset <= batch.last_offset:
                skipped.add(aborted.pop(0).producer_id)
            if batch.is_control:
                if any(control_type(record) == ABORT for record in iterate(batch)):
                    skipped.discard(batch.producer_id)
            elif batch.producer_id not in skipped:
                into += [(place, record.offset, decode(record.value)) for record in iterate(batch)]
            self.position[partition] = batch.next_offset
        if not part.records:
            await self.pause(0.02)
        return part


# --- a life -----------------------------------------------------------------------------------------------------------


class TransactionLife(Life):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.told = Story()
        Transactor.instance = 0
        self.plan.settings["transaction.state.log.num.partitions"] = self.dice.choice(("1", "3"))

    def violations(self) -> list[str]:
        found = []
        if self.told.ends:
            found = [f"{checker.__name__}: {text}" for checker in CHECKERS for text in checker(self.told)]
        return found or [f"aborted_reads: {text}" for text in aborted_reads(self.told)]

    def all_that_was_seen(self) -> object:
        return self.told

    def client(self, kind: type[Client], name: str, **settings: Any) -> Any:
        made = self.actor(kind, name).setup(self.told)
        for key, value in settings.items():
            setattr(made, key, value)
        return made

    async def run(self) -> None:
        await self.start()
        await self.create_topic()
        await self.create_input()
        self.phase = "the input"
        await self.client(Feeder, "feeder").run()
        self.phase = "the copiers"
        witnesses = [self.client(Witness, f"r{i}") for i in range(2)]
        scribblers = [self.client(Scribbler, f"p{i}", transactional_id=f"scribble{i}") for i in range(2)]
        copiers = [
            self.client(Copier, f"c{i}", transactional_id=f"copy{i}", partition=i) for i in range(INPUTS)
        ]
        rivals = [
            self.client(Copier, f"m{i}", transactional_id=f"copy{i}", partition=i, is_rival=True)
            for i in range(INPUTS)
        ]
        busy = [asyncio.ensure_future(each.run()) for each in (*copiers, *scribblers)]
        watching = [asyncio.ensure_future(each.run()) for each in (*witnesses, *rivals)]
        while not all(task.done() for task in busy):
            await passed(self.dice.random() * 0.6)
            raise_first(busy + watching)
            if self.dice.random() < self.plan.trouble or self.disk.crashed:
                await self.trouble()
            if all(each.is_done for each in copiers):
                for each in scribblers:
                    each.is_calm = True
        self.phase = "the broker to come up again"
        for each in rivals:
            each.stopping = True
        await self.calm_down()
        self.phase = "open transactions to be aborted"
        await asyncio.wait(watching[len(witnesses) :])
        await self.client(Deserter, "deserter", transactional_id="deserted").run()
        if self.dice.random() < 0.5:
            await kill(self)
            self.disk.crash_at = None
        await passed(1)
        self.world.jump(70_000)
        await passed(3)
        raise_first(busy + watching)
        for each in witnesses:
            each.stopping = True
        self.phase = "the witnesses"
        await asyncio.wait(watching)
        raise_first(watching)
        await self.conclude(witnesses)
        await self.stop()

    async def create_input(self) -> None:
        connection = await Connection.to(self.scene.addresses[1], "admin")
        made = CreatableTopic(
            name=INPUT, num_partitions=INPUTS, replication_factor=self.plan.nodes, assignments=[], configs=[]
        )
        answer = await connection.ask(CreateTopicsRequest(topics=[made], timeout_ms=1000), 5, CreateTopicsResponse)
        assert answer.topics[0].error_code == 0
        connection.close()

    async def conclude(self, witnesses: list[Witness]) -> None:
        """What is there in the end, for everybody the same."""
        last = self.client(Witness, "the last one")
        last.position = dict.fromkeys(range(PARTITIONS), 0)
        for partition in range(PARTITIONS):
            for _ in range(1000):
                part = await last.look(partition, self.told.final, 0)
                if part is not None and not part.records:
                    break
            for each in witnesses:
                at = (TOPIC, partition)
                position = each.position[partition]
                self.told.ends.append((each.name, at, position, part.last_stable_offset, part.high_watermark))
        for partition in range(INPUTS):
            asker = self.client(Copier, f"asker{partition}", partition=partition)
            self.told.offsets[partition] = await asker.committed_offset()


def raise_first(tasks: list["asyncio.Task[None]"]) -> None:
    """A client that has ended in an error has seen what may not be."""
    for task in tasks:
        if task.done():
            task.result()


def main(words: list[str]) -> int:
    seeds: list[int] = []
    for word in words:
        first, _, last = word.partition("-")
        seeds += range(int(first), int(last or first) + 1)
    hits: Counter[str] = Counter()
    wrong, began = 0, time.monotonic()
    for seed in seeds:
        report = live_through(seed, None, TransactionLife)
        hits += report.hits
        for text in report.violations:
            print(f"seed {seed}: {text}", flush=True)
        wrong += len(report.violations)
    for what, count in sorted(hits.items()):
        print(f"{count:8} {what}")
    print(f"{len(seeds)} lives in {time.monotonic() - began:.0f} s, {wrong} violations")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
