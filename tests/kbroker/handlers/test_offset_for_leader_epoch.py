"""OffsetForLeaderEpoch: where an epoch ended, exact also after a restart."""

from __future__ import annotations

import pytest

from tests.kbroker.partitions.support import batch, produce, run
from wire.errors import ErrorCode
from wire.messages.offset_for_leader_epoch import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)

from .support import Stage


def request(epoch: int, current: int = -1, name: str = "t", index: int = 0) -> OffsetForLeaderEpochRequest:
    asked = OffsetForLeaderPartition(partition=index, current_leader_epoch=current, leader_epoch=epoch)
    return OffsetForLeaderEpochRequest(replica_id=-1, topics=[OffsetForLeaderTopic(topic=name, partitions=[asked])])


async def ask(
    stage: Stage, asked: OffsetForLeaderEpochRequest, version: int = 4, node: int = 1
) -> tuple[int, int, int]:
    told = (await stage.ask(asked, version, node=node)).topics[0].partitions[0]
    return told.error_code, told.leader_epoch, told.end_offset


def grown() -> Stage:
    """Epoch 1 from 0, epoch 3 from 2, epoch 4 without a batch, epoch 6 from 5."""
    stage = Stage()
    topic = stage.catalog.add("t", epoch=1)
    for epoch, count in ((1, 2), (3, 3), (4, 0), (6, 1)):
        topic.partitions[0].leader_epoch = epoch
        stage.partition("t")
        stage.partitions.changed(topic)
        if count:
            produce(stage.partition("t"), batch(count))
    return stage


ENDS = [(0, (0, 0, 0)), (1, (0, 1, 2)), (2, (0, 1, 2)), (3, (0, 3, 5)), (4, (0, 3, 5)), (5, (0, 3, 5)), (6, (0, 6, 6)),
        (7, (0, -1, -1)), (-1, (0, -1, -1))]  # fmt: skip


@pytest.mark.parametrize("version", [2, 3, 4])
@pytest.mark.parametrize(("epoch", "told"), ENDS)
def test_the_largest_epoch_up_to_the_asked_one_and_its_end(
    epoch: int, told: tuple[int, int, int], version: int
) -> None:
    async def test() -> None:
        assert await ask(grown(), request(epoch), version) == told

    run(test)


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize(("epoch", "told"), ENDS)
def test_after_a_restart_the_answers_are_the_same(epoch: int, told: tuple[int, int, int], clean: bool) -> None:
    async def test() -> None:
        before, stage = grown(), Stage()
        if clean:
            await before.partitions.close()
        stage.engine = stage.cluster.engine = stage.partitions.engine = before.engine
        stage.catalog.add("t", epoch=6)
        assert await ask(stage, request(epoch)) == told

    run(test)


def test_leaders_and_epochs_are_asked_for() -> None:
    async def test() -> None:
        stage = grown()
        assert (await ask(stage, request(1), node=2))[0] == ErrorCode.NOT_LEADER_OR_FOLLOWER
        assert await ask(stage, request(1, current=5)) == (ErrorCode.FENCED_LEADER_EPOCH, -1, -1)
        assert await ask(stage, request(1, current=7)) == (ErrorCode.UNKNOWN_LEADER_EPOCH, -1, -1)
        assert await ask(stage, request(1, name="no")) == (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1, -1)

    run(test)
