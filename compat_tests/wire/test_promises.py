"""What stock clients trip over, at the level of frames: who answers, who must not, and what empty things look like."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest

from compat_tests.tools import Deadline, unique
from compat_tests.wire.connection import API, Closed, Connection, advertised, batch
from wire.batch import batches
from wire.records import iterate

UNSUPPORTED_VERSION = 35
Connect = Callable[[], Connection]


@pytest.fixture
def topic(connection: Connection) -> str:
    return create(connection, unique("raw"))


def create(connection: Connection, name: str, partitions: int = 1) -> str:
    topic = {"name": name, "num_partitions": partitions, "replication_factor": 1}
    answer = connection.ask("CreateTopics", 4, topics=[topic], timeout_ms=30_000)
    assert [result.error_code for result in answer.topics] == [0]
    deadline = Deadline("the topic in Metadata")
    while connection.ask("Fetch", 4, **fetch_tree(name, 0)).responses[0].partitions[0].error_code:
        deadline.check()  # Kafka needs a moment until it leads the new partition
    return name


def produce(connection: Connection, topic: str, data: bytes | bytearray, acks: int = -1) -> Any:
    tree = produce_tree(topic, data, acks)
    ((stored,),) = [answer.partition_responses for answer in connection.ask("Produce", 7, **tree).responses]
    return stored


def produce_tree(topic: str, data: bytes | bytearray, acks: int) -> dict[str, Any]:
    partition = {"index": 0, "records": bytes(data)}
    topics = [{"name": topic, "partition_data": [partition]}]
    return {"transactional_id": None, "acks": acks, "timeout_ms": 10_000, "topic_data": topics}


def fetch_tree(topic: str, offset: int, wait_ms: int = 0, **more: Any) -> dict[str, Any]:
    partition = {"partition": 0, "fetch_offset": offset, "partition_max_bytes": 1 << 20}
    topics = [{"topic": topic, "partitions": [partition]}]
    return {"max_wait_ms": wait_ms, "min_bytes": 1, "max_bytes": 1 << 20, "topics": topics, **more}


# --- ApiVersions -------------------------------------------------------------------------------------------------


def test_an_unknown_version_of_api_versions_is_answered_in_version_0(connection: Connection) -> None:
    """KIP-511: error 35 and the one range that the client needs to ask again; a close would send it back to 2015."""
    connection.send_frame(struct.pack(">hhih", 18, 99, 7, 3) + b"raw" + b"\x00\x05whatever")
    frame = connection.receive_frame()
    assert struct.unpack_from(">i", frame) == (7,)
    answer = API["ApiVersions"].response_class().decode(memoryview(frame)[4:], 0)
    assert answer.error_code == UNSUPPORTED_VERSION
    assert [(offer.api_key, offer.min_version, offer.max_version) for offer in answer.api_keys] == [(18, 0, 5)]
    assert connection.ask("ApiVersions", 3, client_software_name="x", client_software_version="1").error_code == 0


@pytest.mark.parametrize("version", range(6))
def test_api_versions_never_has_a_flexible_header(connection: Connection, version: int) -> None:
    """A client that does not know the broker yet cannot know either whether to expect one."""
    answer = connection.ask("ApiVersions", version, client_software_name="raw", client_software_version="1")
    assert answer.error_code == 0 and len(answer.api_keys) > 20


def test_produce_is_offered_from_0_and_lives_from_3(connect: Connect) -> None:
    assert advertised(connect())["Produce"] == (0, 13)
    refused = connect()
    refused.send_frame(struct.pack(">hhihhii", 0, 2, 1, -1, 1, 1000, 0))
    assert refused.closed_by_broker()


def test_the_finalized_features_have_an_epoch_that_java_believes(connect: Connect) -> None:
    epochs = set()
    for _ in range(3):
        answer = connect().ask("ApiVersions", 4, client_software_name="raw", client_software_version="1")
        assert answer.finalized_features_epoch >= 0
        assert answer.finalized_features, "without features a Java client takes none of the new ways"
        epochs.add(answer.finalized_features_epoch)
    assert min(epochs) >= 0 and sorted(epochs) == list(epochs)


# --- Metadata ----------------------------------------------------------------------------------------------------


def test_null_topics_are_all_and_empty_topics_are_none(connection: Connection, topic: str) -> None:
    assert topic in [found.name for found in connection.ask("Metadata", 5, topics=None).topics]
    assert topic in [found.name for found in connection.ask("Metadata", 0, topics=[]).topics]
    assert connection.ask("Metadata", 5, topics=[]).topics == []


def test_a_topic_that_may_not_be_created_is_error_3(connection: Connection) -> None:
    asked = [{"name": unique("never")}]
    for _ in range(2):
        (found,) = connection.ask("Metadata", 5, topics=asked, allow_auto_topic_creation=False).topics
        assert (found.error_code, found.partitions) == (3, [])


@pytest.mark.kbroker_only("Kafka answers the first time with error 3 and creates meanwhile")
def test_a_topic_that_may_be_created_is_there_in_the_same_answer(connection: Connection) -> None:
    (found,) = connection.ask("Metadata", 5, topics=[{"name": unique("auto")}]).topics
    assert (found.error_code, [partition.error_code for partition in found.partitions]) == (0, [0])


# --- who is answered when ----------------------------------------------------------------------------------------


def test_acks_0_has_no_answer(connection: Connection, topic: str) -> None:
    for number in range(3):
        connection.send_request("Produce", 7, **produce_tree(topic, batch(b"%d" % number), 0))
    deadline = Deadline("three records")  # ListOffsets may overtake writes that nobody waits for
    while (offset := connection.ask("ListOffsets", 1, **latest(topic)).topics[0].partitions[0].offset) < 3:
        deadline.check(offset)
    assert offset == 3


def latest(topic: str) -> dict[str, Any]:
    return {"replica_id": -1, "topics": [{"name": topic, "partitions": [{"partition_index": 0, "timestamp": -1}]}]}


def test_acks_0_that_fails_closes_the_connection(connection: Connection) -> None:
    """The producer learns of it in the only way that is left."""
    connection.send_request("Produce", 7, **produce_tree(unique("never"), batch(b"x"), 0))
    assert connection.closed_by_broker()


def test_answers_leave_in_the_order_of_their_requests(connect: Connect, topic: str) -> None:
    connection = connect()
    parked = connection.send_request("Fetch", 11, **fetch_tree(topic, 0, wait_ms=700))
    second = connection.send_request("ApiVersions", 0)
    third = connection.send_request("Metadata", 1, topics=[])
    assert connection.receive("Fetch", 11, parked).responses[0].partitions[0].error_code == 0
    connection.receive("ApiVersions", 0, second)
    connection.receive("Metadata", 1, third)


def test_a_parked_fetch_holds_no_other_connection_up_and_wakes_at_once(connect: Connect, topic: str) -> None:
    waiting, writing = connect(), connect()
    parked = waiting.send_request("Fetch", 11, **fetch_tree(topic, 0, wait_ms=20_000))
    for _ in range(20):
        assert writing.ask("Metadata", 1, topics=[]).topics == []
    assert produce(writing, topic, batch(b"wake up")).base_offset == 0
    waiting.socket.settimeout(15)  # below the fetch's own wait
    (found,) = waiting.receive("Fetch", 11, parked).responses[0].partitions
    assert [record.value for one in batches(found.records) for record in iterate(one)] == [b"wake up"]


@pytest.mark.parametrize("size", [0, -1, 2_000_000_000])
def test_a_frame_of_impossible_size_ends_only_its_own_connection(connect: Connect, size: int) -> None:
    bad, good = connect(), connect()
    bad.socket.sendall(struct.pack(">i", size) + b"anything")
    assert bad.closed_by_broker()
    assert good.ask("ApiVersions", 0).error_code == 0


def test_an_unknown_key_ends_only_its_own_connection(connect: Connect) -> None:
    bad, good = connect(), connect()
    bad.send_frame(struct.pack(">hhih", 999, 0, 1, -1))
    assert bad.closed_by_broker()
    assert good.ask("ApiVersions", 0).error_code == 0


def test_a_client_that_asks_for_much_and_reads_nothing_costs_nobody_else(connect: Connect, topic: str) -> None:
    greedy, other = connect(), connect()
    for _ in range(10):
        assert produce(other, topic, batch(bytes(900_000))).error_code == 0
    for _ in range(100):
        greedy.send_request("Fetch", 11, **fetch_tree(topic, 0) | {"max_bytes": 50 << 20})
    for _ in range(20):
        assert other.ask("Metadata", 1, topics=[]).topics == []
    assert produce(other, topic, batch(b"still here")).error_code == 0


# --- empty things ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [4, 7, 11, 12])
def test_a_fetch_at_the_end_has_empty_records_and_not_null(connection: Connection, topic: str, version: int) -> None:
    (found,) = connection.ask("Fetch", version, **fetch_tree(topic, 0)).responses[0].partitions
    assert (found.error_code, found.records is not None) == (0, True)
    assert bytes(found.records) == b""
    assert found.aborted_transactions is None, "null for read_uncommitted"
    (found,) = connection.ask("Fetch", version, **fetch_tree(topic, 0, isolation_level=1)).responses[0].partitions
    assert found.aborted_transactions == [], "empty for read_committed"


def test_a_fetch_out_of_range_knows_no_offsets(connection: Connection, topic: str) -> None:
    (found,) = connection.ask("Fetch", 11, **fetch_tree(topic, 5)).responses[0].partitions
    assert found.error_code == 1
    assert (found.high_watermark, found.last_stable_offset, found.log_start_offset) == (-1, -1, -1)
    assert found.records is not None and bytes(found.records) == b""


def test_requests_about_nothing_are_answered(connection: Connection) -> None:
    assert connection.ask("Fetch", 11, max_wait_ms=30_000, min_bytes=1, max_bytes=1, topics=[]).responses == []
    tree = {"transactional_id": None, "acks": -1, "timeout_ms": 1000, "topic_data": []}
    assert connection.ask("Produce", 7, **tree).responses == []
    assert connection.ask("ListOffsets", 5, replica_id=-1, topics=[]).topics == []
    assert connection.ask("OffsetForLeaderEpoch", 3, replica_id=-1, topics=[]).topics == []
    assert connection.ask("CreateTopics", 5, topics=[], timeout_ms=1000).topics == []
    assert connection.ask("DeleteGroups", 1, groups_names=[]).results == []
    assert connection.ask("DescribeGroups", 4, groups=[]).groups == []
    answer = connection.ask("OffsetFetch", 5, group_id=unique("never"), topics=None)
    assert (answer.error_code, answer.topics) == (0, [])


def test_an_empty_group_id_serves_simple_consumers_and_never_members(connection: Connection, topic: str) -> None:
    coordinate(connection, "")
    partition = {"partition_index": 0, "committed_offset": 7, "committed_metadata": None}
    commit = {"group_id": "", "generation_id_or_member_epoch": -1, "member_id": ""}
    answer = connection.ask("OffsetCommit", 7, **commit, topics=[{"name": topic, "partitions": [partition]}])
    assert answer.topics[0].partitions[0].error_code == 0
    wanted = [{"name": topic, "partition_indexes": [0]}]
    (found,) = connection.ask("OffsetFetch", 5, group_id="", topics=wanted).topics[0].partitions
    assert (found.committed_offset, found.error_code) == (7, 0)
    invalid_group_id = 24
    assert join(connection, "", version=3).error_code == invalid_group_id


def coordinate(connection: Connection, group: str) -> None:
    deadline = Deadline("a coordinator")
    while connection.ask("FindCoordinator", 2, key=group, key_type=0).error_code:
        deadline.check()


def join(connection: Connection, group: str, version: int, member_id: str = "", protocol: str = "range") -> Any:
    deadline = Deadline("the coordinator being loaded")
    while True:
        answer = connection.ask(
            "JoinGroup",
            version,
            group_id=group,
            session_timeout_ms=10_000,
            rebalance_timeout_ms=10_000,
            member_id=member_id,
            protocol_type="consumer",
            protocols=[{"name": protocol, "metadata": b""}],
        )
        if answer.error_code not in (14, 15, 16):
            return answer
        deadline.check()


# --- joining: librdkafka, Java and sarama take different ways ------------------------------------------------------


def test_a_first_join_from_version_4_is_told_its_member_id(connection: Connection) -> None:
    group = unique("group")
    coordinate(connection, group)
    told = join(connection, group, 4)
    assert (told.error_code, told.generation_id, told.leader) == (79, -1, "")
    assert told.member_id.startswith("raw-")
    joined = join(connection, group, 4, told.member_id)
    assert (joined.error_code, joined.generation_id, joined.leader) == (0, 1, told.member_id)


def test_a_first_join_below_version_4_is_in_at_once(connection: Connection) -> None:
    group = unique("group")
    coordinate(connection, group)
    joined = join(connection, group, 3)
    assert (joined.error_code, joined.generation_id, joined.leader) == (0, 1, joined.member_id)


def test_wrong_members_generations_and_protocols_have_their_codes(connection: Connection) -> None:
    group = unique("group")
    coordinate(connection, group)
    unknown_member, illegal_generation, inconsistent_protocol = 25, 22, 23
    assert join(connection, group, 4, "nobody").error_code == unknown_member
    member = join(connection, group, 3).member_id
    mine = {"group_id": group, "member_id": member}
    assigned = [{"member_id": member, "assignment": b"x"}]
    assert connection.ask("SyncGroup", 2, **mine, generation_id=9, assignments=[]).error_code == illegal_generation
    assert connection.ask("SyncGroup", 2, **mine, generation_id=1, assignments=assigned).error_code == 0
    assert connection.ask("Heartbeat", 2, **mine, generation_id=1).error_code == 0
    assert connection.ask("Heartbeat", 2, **mine, generation_id=2).error_code == illegal_generation
    assert connection.ask("Heartbeat", 2, group_id=group, member_id="x", generation_id=1).error_code == unknown_member
    assert join(connection, group, 3, protocol="roundrobin").error_code == inconsistent_protocol


# --- fetch sessions ----------------------------------------------------------------------------------------------


def test_a_session_sends_only_what_is_new(connection: Connection, topic: str) -> None:
    opened = connection.ask("Fetch", 11, **fetch_tree(topic, 0, session_id=0, session_epoch=0))
    assert opened.error_code == 0 and opened.session_id != 0
    session = {"session_id": opened.session_id, "max_wait_ms": 0, "min_bytes": 0, "max_bytes": 1 << 20}
    again = connection.ask("Fetch", 11, **session, session_epoch=1, topics=[])
    assert (again.error_code, again.session_id, again.responses) == (0, opened.session_id, [])
    produce(connection, topic, batch(b"new"))
    delta = connection.ask("Fetch", 11, **session, session_epoch=2, topics=[])
    assert [found.high_watermark for answer in delta.responses for found in answer.partitions] == [1]


def test_an_unknown_session_and_a_wrong_epoch_lead_to_a_full_request(connection: Connection, topic: str) -> None:
    session_not_found, wrong_epoch = 70, 71
    unknown = connection.ask("Fetch", 11, **fetch_tree(topic, 0, session_id=123_456_789, session_epoch=5))
    assert (unknown.error_code, unknown.session_id, unknown.responses) == (session_not_found, 0, [])
    opened = connection.ask("Fetch", 11, **fetch_tree(topic, 0, session_id=0, session_epoch=0))
    wrong = connection.ask("Fetch", 11, **fetch_tree(topic, 0, session_id=opened.session_id, session_epoch=9))
    assert (wrong.error_code, wrong.session_id) == (wrong_epoch, 0)
    assert connection.ask("Fetch", 11, **fetch_tree(topic, 0, session_id=0, session_epoch=0)).error_code == 0


# --- hostile and odd batches ---------------------------------------------------------------------------------------


def test_a_bad_checksum_is_refused_and_the_connection_goes_on(connection: Connection, topic: str) -> None:
    corrupt = batch(b"intact")
    corrupt[-1] ^= 1
    assert produce(connection, topic, corrupt).error_code == 2
    assert produce(connection, topic, batch(b"intact")).base_offset == 0


def test_a_request_cut_off_in_the_middle_leaves_nothing_behind(connect: Connect, topic: str) -> None:
    bad, good = connect(), connect()
    frame = struct.pack(">hhih", 0, 7, 1, -1) + b"\xff\xff" + b"\xff\xff" + b"\x00" * 4 + b"\x00\x00\x00\x05"
    bad.send_frame(frame)
    with pytest.raises((Closed, ConnectionResetError)):
        bad.receive_frame()
    assert produce(good, topic, batch(b"first")).base_offset == 0
