"""A whole broker: it comes up, serves, goes down, and finds its data again; one process may be two nodes."""

import asyncio
import socket
from pathlib import Path

import pytest

from kbroker.broker import Broker, CannotStart
from kbroker.catalog import Catalog
from kbroker.config import Config, ConfigError
from kbroker.server.listener import CannotListen
from storage.engine import Locked, NewerFormat
from tests.kbroker.running import STRICT, connect, run, serving
from wire.errors import ErrorCode, KafkaError
from wire.messages.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse
from wire.messages.produce import PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData
from wire.records import Record, build_batch


def asked(*names: str) -> MetadataRequest:
    return MetadataRequest(topics=[MetadataRequestTopic(name=name) for name in names])


def written(name: str, value: bytes) -> ProduceRequest:
    batch = build_batch([Record(None, value)], timestamp=1_000)
    partition = PartitionProduceData(index=0, records=batch)
    topic = TopicProduceData(name=name, partition_data=[partition])
    return ProduceRequest(acks=-1, timeout_ms=5_000, topic_data=[topic])


def outcome(response: ProduceResponse) -> tuple[int, int]:
    (topic,) = response.responses
    (partition,) = topic.partition_responses
    return partition.error_code, partition.base_offset


def on_disk(folder: Path, **texts: str) -> Config:
    texts = {name.replace("_", "."): text for name, text in texts.items()}
    return Config(STRICT | {"kbroker.memory": "false", "log.dirs": str(folder / "data")} | texts)


def test_a_topic_is_there_as_soon_as_a_client_first_asks_for_it() -> None:
    async def body() -> None:
        async with serving(num_partitions="3") as broker:
            client = await connect(broker)
            response: MetadataResponse = await client.ask(asked("orders"), 12)
            (topic,) = response.topics
            assert (topic.error_code, len(topic.partitions), topic.partitions[0].leader_id) == (0, 3, 1)
            assert outcome(await client.ask(written("orders", b"v"), 9)) == (0, 0)
            await client.close()

    run(body)


@pytest.mark.parametrize("listen", ["PLAINTEXT://0.0.0.0:0", "PLAINTEXT://:0", "PLAINTEXT://localhost:0"])
def test_a_client_is_told_an_address_that_it_can_reach(listen: str) -> None:
    async def body() -> None:
        async with serving(listeners=listen) as broker:
            port = int(broker.bound[0].rpartition(":")[2])
            client = await connect(broker)
            (told,) = (await client.ask(asked(), 12)).brokers
            assert told.host in ("127.0.0.1", "localhost")
            assert told.port == port
            await client.close()

    run(body)


def test_a_client_is_told_what_is_advertised_for_the_listener_that_it_came_in_on() -> None:
    async def body() -> None:
        async with serving(
            listeners="INSIDE://127.0.0.1:0,OUTSIDE://127.0.0.1:0", advertised_listeners="OUTSIDE://kafka.example:443"
        ) as broker:
            told = []
            for place in (0, 1):
                client = await connect(broker, place)
                told += [(one.host, one.port) for one in (await client.ask(asked(), 12)).brokers]
                await client.close()
            assert told == [("127.0.0.1", int(broker.bound[0].rpartition(":")[2])), ("kafka.example", 443)]

    run(body)


def test_two_nodes_in_one_process_share_the_data_and_each_answers_for_what_it_leads() -> None:
    async def body() -> None:
        async with serving(nodes=2, num_partitions="4") as broker:
            clients = [await connect(broker, place) for place in (0, 1)]
            response = await clients[0].ask(asked("orders"), 12)
            assert sorted(one.node_id for one in response.brokers) == [1, 2]
            (topic,) = response.topics
            leaders = {one.partition_index: one.leader_id for one in topic.partitions}
            assert set(leaders.values()) == {1, 2}
            right = clients[leaders[0] - 1]
            wrong = clients[2 - leaders[0]]
            assert outcome(await right.ask(written("orders", b"v"), 9)) == (0, 0)
            assert outcome(await wrong.ask(written("orders", b"v"), 9))[0] == ErrorCode.NOT_LEADER_OR_FOLLOWER
            for client in clients:
                await client.close()

    run(body)


def test_what_was_written_is_there_after_a_restart_under_the_same_cluster_id(tmp_path: Path) -> None:
    async def body() -> None:
        ids = []
        for life in range(3):
            broker = Broker(on_disk(tmp_path))
            await broker.start()
            client = await connect(broker)
            ids.append((await client.ask(asked("orders"), 12)).cluster_id)
            assert outcome(await client.ask(written("orders", b"v"), 9)) == (0, life)
            await client.close()
            await broker.stop()
        assert len(set(ids)) == 1

    run(body)


async def refused(config: Config) -> BaseException:
    broker = Broker(config)
    with pytest.raises((CannotStart, CannotListen, Locked, NewerFormat)) as caught:
        await broker.start()
    return caught.value


def test_two_brokers_do_not_share_a_data_directory(tmp_path: Path) -> None:
    async def body() -> None:
        first = Broker(on_disk(tmp_path))
        await first.start()
        assert isinstance(await refused(on_disk(tmp_path)), Locked)
        await first.stop()
        second = Broker(on_disk(tmp_path))
        await second.start()
        await second.stop()

    run(body)


def contents(folder: Path) -> dict[Path, tuple[bytes, int]]:
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def test_newer_data_is_refused_and_not_touched(tmp_path: Path) -> None:
    async def body() -> None:
        broker = Broker(on_disk(tmp_path))
        await broker.start()
        await broker.stop()
        file = tmp_path / "data" / "format.json"
        newer = file.read_text().replace('"format": 1', '"format": 999')
        file.write_text(newer)
        before = contents(tmp_path)
        assert isinstance(await refused(on_disk(tmp_path)), NewerFormat)
        assert contents(tmp_path) == before

    run(body)


def test_data_of_another_node_is_refused(tmp_path: Path) -> None:
    async def body() -> None:
        broker = Broker(on_disk(tmp_path, node_id="7"))
        await broker.start()
        await broker.stop()
        assert "belongs to node 7, but node.id is 8" in str(await refused(on_disk(tmp_path, node_id="8")))
        broker = Broker(on_disk(tmp_path))
        await broker.start()
        client = await connect(broker)
        assert [one.node_id for one in (await client.ask(asked(), 12)).brokers] == [7]
        await client.close()
        await broker.stop()

    run(body)


def test_a_port_in_use_is_found_before_the_data_is_touched(tmp_path: Path) -> None:
    async def body() -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            error = await refused(on_disk(tmp_path, listeners=f"PLAINTEXT://127.0.0.1:{port}"))
        assert isinstance(error, CannotListen)
        assert not (tmp_path / "data").exists()

    run(body)


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ({"log.dirs": "a,b", "kbroker.memory": "false"}, "log.dirs has 2 directories"),
        ({"node.id": "1", "broker.id": "2"}, "broker.id is 2, but node.id is 1"),
    ],
)
def test_configs_that_contradict_each_other_are_refused(texts: dict[str, str], sentence: str) -> None:
    with pytest.raises((CannotStart, ConfigError), match=sentence):
        Broker(Config(STRICT | texts))


def test_a_clean_stop_answers_what_is_under_way() -> None:
    async def body() -> None:
        async with serving() as broker:
            client = await connect(broker)
            await client.ask(asked("orders"), 12)
            client.send(written("orders", b"v"), 9)
            assert outcome(await client.receive()) == (0, 0)
            await broker.stop()
            assert await client.is_closed()
            await client.close()

    run(body)


def test_a_broker_that_cannot_note_its_end_lets_go_of_its_data_all_the_same(tmp_path: Path) -> None:
    """Its disk may be full: that is told, and the next broker starts as after a crash."""

    async def body() -> None:
        broker = Broker(on_disk(tmp_path))
        await broker.start()

        async def full() -> None:
            await stop()
            raise KafkaError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)

        stop, broker.cluster.catalog.stop = broker.cluster.catalog.stop, full  # type: ignore[method-assign]
        with pytest.raises(KafkaError):
            await broker.stop()
        another = Broker(on_disk(tmp_path))
        await another.start()
        await another.stop()

    run(body)


def test_a_catalog_that_cannot_be_written_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(self: Catalog) -> None:
        raise KafkaError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)

    async def body() -> None:
        with monkeypatch.context() as patched:
            patched.setattr(Catalog, "start", full)
            with pytest.raises(CannotStart, match="cannot be read and written"):
                await Broker(on_disk(tmp_path)).start()
        room = Broker(on_disk(tmp_path))  # the lock was let go
        await room.start()
        await room.stop()

    run(body)


def test_an_idle_broker_has_no_timers() -> None:
    async def body() -> None:
        async with serving() as broker:
            loop = asyncio.get_running_loop()
            await asyncio.sleep(0)
            live = [one for one in loop._scheduled if not one.cancelled()]  # type: ignore[attr-defined]
            # The one that is left is the test's own, which waits for this body.
            assert len(live) <= 1, live
            assert broker.bound

    run(body)
