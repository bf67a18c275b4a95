"""The registry answers for real: who leads, in which epoch, and what is gone."""

from __future__ import annotations

import pytest

from kbroker.partitions import Partition
from tests.kbroker.handlers.support import Stage
from wire.errors import ErrorCode, KafkaError

from .support import batch, produce, run, turns


def refused(stage: Stage, node: int, name: str, index: int, epoch: int = -1) -> ErrorCode:
    with pytest.raises(KafkaError) as error:
        stage.partitions.lookup(node, stage.catalog.topic(name), index, epoch)
    return error.value.code


def found(stage: Stage, node: int, name: str, index: int = 0, epoch: int = -1) -> Partition:
    return stage.partitions.lookup(node, stage.catalog.topic(name), index, epoch)


def test_two_nodes_share_a_partition_and_only_its_leader_answers() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t", 2, leader=2, nodes=(1, 2), epoch=3)
        assert refused(stage, 1, "t", 0) == ErrorCode.NOT_LEADER_OR_FOLLOWER
        assert refused(stage, 2, "t", 0, 2) == ErrorCode.FENCED_LEADER_EPOCH
        assert refused(stage, 2, "t", 0, 4) == ErrorCode.UNKNOWN_LEADER_EPOCH
        assert refused(stage, 1, "t", 0, 2) == ErrorCode.FENCED_LEADER_EPOCH, "the epoch is asked for first"
        assert refused(stage, 2, "t", 2) == refused(stage, 2, "t", -1) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        assert refused(stage, 2, "no", 0) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        assert found(stage, 2, "t", 0, 3) is found(stage, 2, "t", 0)

    run(test)


def test_a_new_epoch_counts_as_soon_as_the_catalog_shows_it() -> None:
    async def test() -> None:
        stage = Stage()
        topic = stage.catalog.add("t", nodes=(1, 2))
        produce(found(stage, 1, "t"), batch(1))
        topic.partitions[0].leader, topic.partitions[0].leader_epoch = 2, 1
        produce(found(stage, 2, "t"), batch(1))
        assert list(stage.partition("t").epochs) == [(0, 0), (1, 1)]

    run(test)


def test_a_changed_config_counts_for_the_next_batch() -> None:
    async def test() -> None:
        stage = Stage()
        topic = stage.catalog.add("t")
        one = stage.partition("t")
        topic.config = Stage().catalog.add("t", max_message_bytes=60, segment_bytes=2 << 20).config
        stage.partitions.changed(topic)
        with pytest.raises(KafkaError) as error:
            one.stage(batch(1))
        assert error.value.code == ErrorCode.MESSAGE_TOO_LARGE
        assert stage.engine.options(one.log).segment_bytes == 2 << 20

    run(test)


def test_a_deleted_topic_takes_its_logs_along_and_its_name_is_free() -> None:
    async def test() -> None:
        stage = Stage()
        topic = stage.catalog.add("t", 3)
        one = stage.partition("t")
        produce(one, batch(1))
        stage.catalog.remove(topic)
        stage.partitions.drop(topic)
        await turns()
        assert stage.engine.logs() == []
        with pytest.raises(KafkaError) as error:
            one.stage(batch(1))
        assert error.value.code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        stage.catalog.by_id[topic.id] = topic  # ids are never used again
        stage.catalog.add("t")
        assert stage.partition("t").end == 0

    run(test)


def test_a_write_under_way_when_its_topic_goes_is_lost_in_peace() -> None:
    async def test() -> None:
        stage = Stage()
        topic = stage.catalog.add("t")
        one = stage.partition("t")
        stage.engine.held = True
        appended = one.append([batch(1)])
        stage.partitions.drop(topic)
        stage.engine.let_go()
        with pytest.raises(KafkaError):
            await appended
        assert not one.is_open

    run(test)


def test_a_clean_stop_saves_what_every_partition_knows() -> None:
    async def test() -> None:
        stage = Stage()
        topic = stage.catalog.add("t", 2)
        produce(stage.partition("t", 0), batch(3, producer=(9, 0, 0)))
        stage.partition("t", 1)
        await stage.partitions.close()
        assert [note.at for note in stage.engine.checkpoints(topic.log(0), "partition")] == [3]
        assert stage.engine.checkpoints(topic.log(1), "partition") == [], "nothing was written there"

    run(test)


def test_a_log_that_cannot_be_read_is_told_and_tried_again() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t")
        await stage.engine.close()
        one = stage.partition("t")
        with pytest.raises(KafkaError) as error:
            await one.ready()
        assert error.value.code == ErrorCode.KAFKA_STORAGE_ERROR
        await stage.engine.open()
        produce(one, batch(1))
        assert one.high_watermark == 1

    run(test)
