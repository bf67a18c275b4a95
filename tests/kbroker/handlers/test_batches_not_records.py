"""Nothing is done per record: a batch of a thousand costs as many calls as a batch of one, in Python and in C."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.kbroker.partitions.support import batch, run
from wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData

from .support import Stage

A_LONGER_LENGTH = 20  # the calls that reading and writing more bytes of a length may take


def calls_of(action: Callable[[], Any]) -> int:
    """How many functions are called."""
    called = 0

    def note(frame: Any, event: str, argument: Any) -> None:
        nonlocal called
        called += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(before)
    return called


def produce(stage: Stage, records: bytes | bytearray) -> None:
    data = [TopicProduceData(name="t", partition_data=[PartitionProduceData(index=0, records=records)])]
    answer = stage.call(ProduceRequest(transactional_id=None, acks=-1, timeout_ms=1000, topic_data=data), 9)
    assert answer.responses[0].partition_responses[0].error_code == 0


def fetch(stage: Stage, offset: int) -> int:
    wanted = [
        FetchTopic(topic="t", partitions=[FetchPartition(partition=0, fetch_offset=offset, partition_max_bytes=1)])
    ]
    answer = stage.call(FetchRequest(max_wait_ms=0, min_bytes=1, topics=wanted), 11)
    return len(answer.responses[0].partitions[0].records)


@pytest.mark.parametrize("compression", [0, 1, 4])
def test_a_large_batch_costs_as_many_calls_as_a_small_one(compression: int) -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t")
        small, large = batch(1, compression=compression), batch(1000, compression=compression)
        produce(stage, bytearray(small))
        fetch(stage, 0)  # from here on everything is imported and compiled
        written = [calls_of(lambda records=data: produce(stage, bytearray(records))) for data in (small, large)]
        read = [calls_of(lambda offset=offset: fetch(stage, offset)) for offset in (1, 2)]
        assert fetch(stage, 2) == len(large)
        assert abs(written[0] - written[1]) <= A_LONGER_LENGTH
        assert abs(read[0] - read[1]) <= A_LONGER_LENGTH

    run(test)
