"""What several requests tell together: a group's rebalance in order, a transaction down to its markers."""

import asyncio
import json
from typing import Any

from kbroker.broker import Broker
from wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from wire.messages.end_txn import EndTxnRequest
from wire.messages.find_coordinator import FindCoordinatorRequest
from wire.messages.heartbeat import HeartbeatRequest
from wire.messages.init_producer_id import InitProducerIdRequest
from wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from wire.messages.leave_group import LeaveGroupRequest, MemberIdentity
from wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from wire.messages.sync_group import SyncGroupRequest, SyncGroupRequestAssignment
from wire.records import Record, build_batch

from ..running import Client, connect, run, serving
from .asking import get

BOTH = {"kbroker_http": "127.0.0.1:0", "kbroker_control": "true", "group_initial_rebalance_delay_ms": "0"}


async def story(broker: Broker, path: str) -> Any:
    status, text = await get(broker, path)
    assert status == 200, text
    return json.loads(text)


def join(member_id: str = "") -> JoinGroupRequest:
    return JoinGroupRequest(
        group_id="readers",
        session_timeout_ms=30_000,
        rebalance_timeout_ms=30_000,
        member_id=member_id,
        protocol_type="consumer",
        protocols=[JoinGroupRequestProtocol(name="range", metadata=b"")],
        reason="a test",
    )


async def member(client: Client) -> tuple[str, int]:
    """Joins alone, leads, assigns."""
    member_id = (await client.ask(join(), 9)).member_id
    joined = await client.ask(join(member_id), 9)
    given = [SyncGroupRequestAssignment(member_id=member_id, assignment=b"")]
    known = {"group_id": "readers", "member_id": member_id, "generation_id": joined.generation_id}
    synced = SyncGroupRequest(**known, protocol_type="consumer", protocol_name="range", assignments=given)
    assert (await client.ask(synced, 5)).error_code == 0
    return member_id, joined.generation_id


def test_a_rebalance_is_told_in_order_with_what_happened_to_the_group() -> None:
    async def body() -> None:
        async with serving(**BOTH) as broker:
            first, second = await connect(broker), await connect(broker)
            await first.ask(FindCoordinatorRequest(key_type=0, coordinator_keys=["readers"]), 6)
            one, generation = await member(first)
            for _ in range(3):
                await first.ask(HeartbeatRequest(group_id="readers", member_id=one, generation_id=generation), 4)
            other = (await second.ask(join(), 9)).member_id
            second.send(join(other), 9)
            beat = HeartbeatRequest(group_id="readers", member_id=one, generation_id=generation)
            while not (await first.ask(beat, 4)).error_code:
                await asyncio.sleep(0)
            first.send(join(one), 9)
            assert (await second.receive()).generation_id == 2
            await first.receive()
            gone = LeaveGroupRequest(group_id="readers", members=[MemberIdentity(member_id=other, reason="enough")])
            await second.ask(gone, 5)
            told = await story(broker, "/frames/group?group=readers")
            assert {actor["member"] for actor in told["actors"]} == {one, other}
            steps = told["steps"]
            quiet = [count for step in steps if step["kind"] == "quiet" for count in step["counts"]]
            assert {count["api"] for count in quiet} == {"Heartbeat"}
            assert sum(count["times"] for count in quiet) >= 3, "an event of the same millisecond may lie among them"
            beats = [step for step in steps if step.get("api") == "Heartbeat" and step["kind"] == "ask"]
            assert [step["errors"] for step in beats] == [["REBALANCE_IN_PROGRESS"]]
            joins = [(step["kind"], step["number"]) for step in steps if step.get("api") == "JoinGroup"]
            waited, last = [number for kind, number in joins if kind == "ask"][-2:]
            assert joins.index(("ask", last)) < joins.index(("answer", waited)), "who joins waits for the others"
            assert "generation 2; range; leads 2 members" in {step.get("answer") for step in steps}
            what = [step["what"] for step in steps if step["kind"] == "event"]
            assert "joined" in what and "rebalance" in what and "left" in what
            assert [step["says"] for step in steps if step.get("api") == "LeaveGroup" and step["kind"] == "ask"] == [
                "leaves; enough"
            ]
            await first.close()
            await second.close()

    run(body)


def test_a_transaction_is_told_from_its_producer_to_its_markers() -> None:
    async def body() -> None:
        async with serving(**BOTH) as broker:
            client = await connect(broker)
            topic = CreatableTopic(name="orders", num_partitions=1, replication_factor=1, assignments=[], configs=[])
            await client.ask(CreateTopicsRequest(topics=[topic]), 7)
            await client.ask(FindCoordinatorRequest(key_type=1, coordinator_keys=["payments"]), 6)
            init = InitProducerIdRequest(transactional_id="payments", transaction_timeout_ms=60_000)
            made = await client.ask(init, 5)
            batch = bytes(
                build_batch(
                    [Record(None, b"a"), Record(None, b"b")],
                    timestamp=broker.cluster.world.time_ms(),
                    producer_id=made.producer_id,
                    producer_epoch=made.producer_epoch,
                    base_sequence=0,
                    transactional=True,
                )
            )
            part = PartitionProduceData(index=0, records=batch)
            data = TopicProduceData(name="orders", partition_data=[part])
            write = ProduceRequest(transactional_id="payments", acks=-1, timeout_ms=1000, topic_data=[data])
            answer = await client.ask(write, 12)
            assert answer.responses[0].partition_responses[0].error_code == 0
            ended = EndTxnRequest(
                transactional_id="payments",
                producer_id=made.producer_id,
                producer_epoch=made.producer_epoch,
                committed=True,
            )
            assert (await client.ask(ended, 5)).error_code == 0
            while not [each for each in await items(broker) if each["what"] == "CompleteCommit"]:
                await asyncio.sleep(0)
            told = await story(broker, "/frames/transaction?transactional_id=payments")
            assert told["lanes"] == ["producer", "coordinator", "orders/0"]
            lanes = {lane: [each for each in told["items"] if each["lane"] == lane] for lane in told["lanes"]}
            assert [each["what"] for each in lanes["producer"]] == ["InitProducerId", "Produce", "EndTxn"]
            assert lanes["producer"][2]["says"] == "commits"
            states = [each["what"] for each in lanes["coordinator"]]
            assert states == ["Empty", "Ongoing", "PrepareCommit", "CompleteCommit"]
            assert [each["what"] for each in lanes["orders/0"]] == ["batch", "COMMIT"]
            assert lanes["orders/0"][0]["says"].startswith("offset 0, 2 records")
            await client.close()

    async def items(broker: Broker) -> list[dict[str, Any]]:
        told = await story(broker, "/frames/transaction?transactional_id=payments")
        return list(told["items"])

    run(body)


def test_of_what_nobody_has_heard_there_is_nothing() -> None:
    async def body() -> None:
        async with serving(**BOTH) as broker:
            assert (await story(broker, "/frames/group?group=none"))["steps"] == []
            assert (await story(broker, "/frames/transaction?transactional_id=none"))["items"] == []
            assert (await get(broker, "/frames/group"))[0] == 400

    run(body)
