"""Writing in transactions: what was read is committed together with what was written, or neither is (KIP-98, KIP-447).

With transaction.version 2 (KIP-890) the first batch adds its partition by itself, the offsets add the group, and every
end raises the epoch, with which sequences begin at 0 again.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count

from kbroker.client.cluster import TRANSACTION, Client
from kbroker.client.errors import check
from kbroker.client.offsets import Place, grouped
from kbroker.demo.member import Member
from kbroker.partitioner import by_murmur2
from wire.messages.end_txn import EndTxnRequest, EndTxnResponse
from wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from wire.messages.produce import PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData
from wire.messages.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
    TxnOffsetCommitResponse,
)
from wire.primitives import ZERO_UUID
from wire.records import Record, build_batch

PRODUCE_BY_NAME, COMMIT_BY_NAME = 12, 5
TIMEOUT_MS = 30_000
ACKS_ALL = -1


class Ledger:
    """One transactional producer."""

    def __init__(self, client: Client, transactional_id: str) -> None:
        self.id = transactional_id
        self._client = client
        self._partitions: dict[str, int] = {}
        self._sequences: dict[Place, count[int]] = {}
        request = InitProducerIdRequest(transactional_id=transactional_id, transaction_timeout_ms=TIMEOUT_MS)
        answer = client.ask_coordinator(
            transactional_id, request, InitProducerIdResponse, lambda got: got.error_code, TRANSACTION
        )
        check(answer.error_code)
        self._producer_id, self._epoch = answer.producer_id, answer.producer_epoch

    def write(self, topic: str, record: Record) -> None:
        """Within the transaction, in a batch of its own; where its key belongs."""
        if topic not in self._partitions:
            self._partitions[topic] = len(self._client.leaders(topic))
        index = by_murmur2(record.key or b"", self._partitions[topic])
        sequence = next(self._sequences.setdefault((topic, index), count()))
        batch = build_batch(
            [record],
            producer_id=self._producer_id,
            producer_epoch=self._epoch,
            base_sequence=sequence,
            transactional=True,
        )
        self._client.settled(lambda: self._sent(topic, index, batch))

    def _sent(self, topic: str, index: int, batch: bytearray) -> None:
        data = TopicProduceData(
            name=topic, topic_id=ZERO_UUID, partition_data=[PartitionProduceData(index=index, records=batch)]
        )
        request = ProduceRequest(transactional_id=self.id, acks=ACKS_ALL, timeout_ms=TIMEOUT_MS, topic_data=[data])
        leader = self._client.node(self._client.leaders(topic)[index])
        answer = leader.call(request, ProduceResponse, newest=PRODUCE_BY_NAME).responses[0].partition_responses[0]
        check(answer.error_code, answer.error_message)

    def commit_offsets(self, member: Member, done: Mapping[Place, int]) -> None:
        """What the group has read becomes true with the transaction."""
        topics = [
            TxnOffsetCommitRequestTopic(
                name=name,
                topic_id=ZERO_UUID,
                partitions=[
                    TxnOffsetCommitRequestPartition(
                        partition_index=index, committed_offset=done[name, index], committed_metadata=""
                    )
                    for index in indexes
                ],
            )
            for name, indexes in grouped(done).items()
        ]
        request = TxnOffsetCommitRequest(
            transactional_id=self.id,
            group_id=member.group,
            producer_id=self._producer_id,
            producer_epoch=self._epoch,
            generation_id_or_member_epoch=member.epoch,
            member_id=member.id,
            topics=topics,
        )

        def attempt() -> None:
            coordinator = self._client.coordinator(member.group)
            answer = coordinator.call(request, TxnOffsetCommitResponse, newest=COMMIT_BY_NAME)
            for topic in answer.topics:
                for partition in topic.partitions:
                    check(partition.error_code)

        self._client.settled(attempt)

    def end(self, committed: bool) -> None:
        """Commit or abort; the answer says with which epoch to go on."""
        request = EndTxnRequest(
            transactional_id=self.id,
            producer_id=self._producer_id,
            producer_epoch=self._epoch,
            committed=committed,
        )
        answer = self._client.ask_coordinator(self.id, request, EndTxnResponse, lambda got: got.error_code, TRANSACTION)
        check(answer.error_code)
        self._producer_id, self._epoch = answer.producer_id, answer.producer_epoch
        self._sequences.clear()
