"""`kbroker.testing.Broker`: a real process, from the first line to the last, and what becomes of it."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kbroker.testing import Broker, BrokerGone, ControlError, NotSeen, Record

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def broker() -> "object":
    with Broker() as running:
        yield running


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until_gone(pid: int) -> None:
    """A process that is not our child: Linux tells by a descriptor."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        import select

        assert select.select([fd], [], [], 20)[0], f"process {pid} is still there"
    finally:
        os.close(fd)


def test_a_block_holds_a_broker_and_ends_it() -> None:
    with Broker(topics={"orders": 3}) as broker:
        assert broker.bootstrap.startswith("127.0.0.1:")
        assert [len(topic.partitions) for topic in broker.topics()] == [3]
        pid = broker.pid
        assert is_alive(pid)
    assert not is_alive(pid)
    with pytest.raises(BrokerGone, match="the broker was closed"):
        broker.topics()


def test_an_asynchronous_block_too() -> None:
    async def body() -> None:
        async with Broker() as broker:
            waiting = asyncio.ensure_future(broker.wait_records.aio("a", 2))
            await broker.produce.aio("a", "1", "2")
            assert [record.value for record in await waiting] == [b"1", b"2"]

    asyncio.run(asyncio.wait_for(body(), 60))


def test_records_come_back_as_they_were(broker: Broker) -> None:
    broker.produce("bytes", b"\xff", None, "text", key="k", headers={"h": b"\x00", "n": None})
    broker.produce("bytes", Record(b"own", partition=0, timestamp=5))
    values = [record.value for record in broker.records("bytes")]
    assert values == [b"\xff", None, b"text", b"own"]
    assert broker.records("bytes")[0].headers == [("h", b"\x00"), ("n", None)]
    assert broker.records("bytes")[-1].timestamp == 5


def test_errors_are_told_apart(broker: Broker) -> None:
    broker.create_topic("twice")
    with pytest.raises(ControlError, match="TOPIC_ALREADY_EXISTS") as told:
        broker.create_topic("twice")
    assert told.value.kind == "refused"
    with pytest.raises(NotSeen, match="twice has 0 of 1 records"):
        broker.wait_records("twice", timeout=0.01)


def test_configs_are_kafkas(broker: Broker) -> None:
    with Broker({"log.retention.hours": 1}, num_partitions=4, auto_create_topics_enable=False) as own:
        with pytest.raises(ControlError, match="there is no topic a"):
            own.produce("a", "1")
        assert len(own.create_topic("a", -1).partitions) == 4
        assert own.cluster_id != broker.cluster_id


def test_what_cannot_start_says_why(broker: Broker) -> None:
    with pytest.raises(BrokerGone, match=r"Unknown config name: num.partition \(did you mean num.partitions\?\)"):
        Broker(num_partition=3).start()
    port = int(broker.bootstrap.rpartition(":")[2])
    with pytest.raises(BrokerGone, match="the port is in use"):
        Broker(port=port).start()


def test_data_in_a_directory_is_there_again(tmp_path: Path) -> None:
    with Broker(data=tmp_path) as broker:
        broker.produce("kept", "1")
    with Broker(data=tmp_path) as broker:
        assert [record.value for record in broker.records("kept")] == [b"1"]


def test_a_broker_that_dies_is_noticed() -> None:
    with Broker() as broker:
        os.kill(broker.pid, signal.SIGKILL)
        with pytest.raises(BrokerGone, match="its process ended with status -9"):
            broker.wait_records("a", timeout=30)


@pytest.mark.parametrize("last_word", ["os._exit(3)", "os.kill(os.getpid(), 9)", "sys.exit()", "raise SystemError"])
def test_it_dies_with_its_parent_however_that_dies(last_word: str) -> None:
    start = "import os, sys; from kbroker.testing import Broker; b = Broker().start(); print(b.pid, flush=True)"
    program = f"{start}; {last_word}"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    wait_until_gone(int(done.stdout))


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux tells of the end of a process")
def test_a_forked_sibling_that_holds_the_socket_does_not_keep_it_alive() -> None:
    program = (
        "import os, signal; from kbroker.testing import Broker; b = Broker().start(); child = os.fork()\n"
        "if child: print(b.pid, child, flush=True); os.kill(os.getpid(), 9)\n"
        "else: os.close(1); os.close(2); signal.pause()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    broker, sibling = map(int, done.stdout.split())
    try:
        wait_until_gone(broker)
    finally:
        os.kill(sibling, signal.SIGKILL)


def test_many_stand_side_by_side() -> None:
    brokers = [Broker() for _ in range(4)]
    try:
        for number, one in enumerate(brokers):
            one.start().produce("t", str(number))
        assert [one.records("t")[0].value for one in brokers] == [b"0", b"1", b"2", b"3"]
        assert len({one.bootstrap for one in brokers}) == 4
    finally:
        for one in brokers:
            one.close()


def test_the_test_process_imports_nothing_of_the_broker() -> None:
    program = (
        "import sys; from kbroker.testing import Broker\n"
        "with Broker() as b: b.produce('t', '1')\n"
        "ours = {name for name in sys.modules if name.split('.')[0] in ('kbroker', 'wire', 'storage', 'click')}\n"
        "print(sorted(name for name in ours if not name.startswith('kbroker.testing')))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['kbroker', 'kbroker.control', 'kbroker.control.plain', 'kbroker.control.shapes']"


def test_faults_are_installed_and_taken_out_without_blocking_the_loop(broker: Broker) -> None:
    async def body() -> None:
        handles = [
            await broker.faults.fail.aio("Produce", "NOT_LEADER_OR_FOLLOWER", topic="a", name="first"),
            await broker.faults.loading.aio(group="g", for_ms=60_000),
            await broker.faults.metadata_lag.aio("a", times=1),
            await broker.faults.disconnect.aio("EndTxn", after=True),
        ]
        assert [each.name for each in await broker.faults.list.aio()] == [
            "first",
            "coordinator of g",
            "metadata lag",
            f"fault {handles[3].id}",
        ]
        for handle in handles:
            assert (await handle.remove.aio()).hits == []
            assert (await handle.remove.aio()).id == handle.id, "harmless twice"
        assert await broker.faults.list.aio() == []

    asyncio.run(body())


def test_a_fault_without_a_group_is_told_what_it_needs(broker: Broker) -> None:
    with pytest.raises(ControlError, match=r"faults\.loading is for a group or for a transactional_id"):
        broker.faults.loading()
    with pytest.raises(TypeError, match="a fault has no topics; there are api, version"):
        broker.faults.fail("Produce", "NOT_LEADER_OR_FOLLOWER", topics="a")


def test_an_older_release_is_an_argument() -> None:
    with Broker(emulate="2.8") as broker:
        served = {each.api: each.max_version for each in broker.limit_versions("Metadata", 5)}
        assert (served["Fetch"], served["Produce"], served["Metadata"]) == (12, 9, 5)


def test_an_error_that_leaves_the_block_has_what_the_broker_saw() -> None:
    with pytest.raises(AssertionError) as failed, Broker(topics=["orders"]) as broker:
        broker.faults.fail("Produce", "NOT_ENOUGH_REPLICAS", name="few replicas")
        raise AssertionError
    (note,) = failed.value.__notes__
    assert note.startswith("what the broker saw:") and "few replicas: met 0" in note
