"""Both ends of a connection, talking to each other without a socket."""

import struct
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wire.conversation import (
    ClientConversation,
    Incoming,
    LocalFault,
    RemoteFault,
    ServerConversation,
    produce_acks,
    response_parts,
)
from wire.errors import ErrorCode, ProtocolError
from wire.messages.api_versions import ApiVersion, ApiVersionsRequest, ApiVersionsResponse
from wire.messages.fetch import FetchableTopicResponse, FetchResponse, PartitionData
from wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from wire.messages.metadata import MetadataRequest, MetadataResponse
from wire.messages.produce import ProduceRequest, ProduceResponse


def joined(parts: list[bytes | bytearray | memoryview]) -> bytes:
    return b"".join(parts)


def heartbeat(member: str) -> HeartbeatRequest:
    return HeartbeatRequest(group_id="g", generation_id=3, member_id=member)


def test_a_question_is_read_and_its_answer_comes_back() -> None:
    client, server = ClientConversation("me"), ServerConversation()
    (request,) = server.receive_data(joined(client.send(heartbeat("m"), 4)))
    assert (request.api_key, request.version, request.correlation_id, request.client_id) == (12, 4, 0, "me")
    assert request.decode() == heartbeat("m")
    answer = HeartbeatResponse(error_code=27)
    assert client.receive_data(joined(server.reply(request, answer))) == [(0, answer)]
    assert client.open_requests == server.open_requests == 0


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (1, 0, 2)])
def test_replies_leave_in_the_order_of_the_requests(order: tuple[int, ...]) -> None:
    client, server = ClientConversation(), ServerConversation()
    asked = joined([part for n in range(3) for part in client.send(heartbeat(str(n)), n)])
    requests = server.receive_data(asked)
    answers = [HeartbeatResponse(error_code=n) for n in range(3)]
    sent: list[bytes | bytearray | memoryview] = []
    for n in order:
        sent += server.reply(requests[n], answers[n])
    assert client.receive_data(joined(sent)) == [(n, answers[n]) for n in range(3)]


def test_nothing_leaves_while_the_oldest_waits() -> None:
    client, server = ClientConversation(), ServerConversation()
    first, second = server.receive_data(joined(client.send(heartbeat("a"), 1) + client.send(heartbeat("b"), 1)))
    assert server.reply(second, HeartbeatResponse()) == []
    assert server.open_requests == 2
    assert len(joined(server.reply(first, HeartbeatResponse()))) == 2 * (4 + 4 + 6)


@pytest.mark.parametrize("version", range(3, 14))
def test_a_produce_request_with_acks_0_has_no_reply_and_no_place_in_the_order(version: int) -> None:
    client, server = ClientConversation(), ServerConversation()
    silent = ProduceRequest(transactional_id=None, acks=0, timeout_ms=1, topic_data=[])
    loud = ProduceRequest(transactional_id="tx", acks=-1, timeout_ms=1, topic_data=[])
    data = joined(client.send(silent, version) + client.send(loud, version))
    first, second = server.receive_data(data)
    assert (first.expects_reply, second.expects_reply) == (False, True)
    assert (server.open_requests, client.open_requests) == (1, 1)
    with pytest.raises(LocalFault):
        server.reply(first, ProduceResponse(responses=[]))
    answer = ProduceResponse(responses=[])
    assert client.receive_data(joined(server.reply(second, answer))) == [(1, answer)]


@pytest.mark.parametrize("body", [b"", b"\xff", b"\x00\x05ab", b"\xff\xff\xff\xff\xff\xff"])
def test_a_broken_produce_request_counts_as_one_that_wants_an_answer(body: bytes) -> None:
    assert all(produce_acks(memoryview(body), version) != 0 for version in range(14))


def test_an_unknown_version_of_api_versions_is_answered_in_version_0() -> None:
    client, server = ClientConversation(), ServerConversation()
    (request,) = server.receive_data(joined(client.send(ApiVersionsRequest(), 5)))
    answer = ApiVersionsResponse(
        error_code=ErrorCode.UNSUPPORTED_VERSION, api_keys=[ApiVersion(api_key=18, min_version=0, max_version=4)]
    )
    assert client.receive_data(joined(server.reply(request, answer, version=0))) == [(0, answer)]


def test_the_header_of_api_versions_is_the_old_one_in_all_versions() -> None:
    client, server = ClientConversation(), ServerConversation()
    for version in range(6):
        (request,) = server.receive_data(joined(client.send(ApiVersionsRequest(), version)))
        parts = server.reply(request, ApiVersionsResponse(api_keys=[]))
        assert parts[1] == struct.pack(">i", version)
        assert client.receive_data(joined(parts)) == [(version, ApiVersionsResponse(api_keys=[]))]


def test_records_leave_as_the_views_that_they_are() -> None:
    batch = memoryview(bytearray(b"batch" * 20))
    partition = PartitionData(partition_index=0, error_code=0, high_watermark=1, aborted_transactions=[], records=batch)
    topic = FetchableTopicResponse(topic="t", partitions=[partition])
    parts = response_parts(1, 4, 7, FetchResponse(responses=[topic]))
    assert any(part is batch for part in parts)
    assert joined(parts)[:8] == struct.pack(">ii", len(joined(parts)) - 4, 7)


def test_the_body_of_a_request_can_be_stamped_in_place() -> None:
    client, server = ClientConversation(), ServerConversation()
    (request,) = server.receive_data(joined(client.send(heartbeat("m"), 0)))
    assert not request.body.readonly


def test_bytes_after_a_request_are_tolerated() -> None:
    client, server = ClientConversation(), ServerConversation()
    data = bytearray(joined([*client.send(heartbeat("m"), 0), b"more"]))
    struct.pack_into(">i", data, 0, len(data) - 4)
    (request,) = server.receive_data(data)
    assert request.decode() == heartbeat("m")


def test_answering_twice_or_with_another_api_is_this_sides_fault() -> None:
    client, server = ClientConversation(), ServerConversation()
    (request,) = server.receive_data(joined(client.send(heartbeat("m"), 0)))
    with pytest.raises(LocalFault, match="MetadataResponse does not answer"):
        server.reply(request, MetadataResponse())
    server.reply(request, HeartbeatResponse())
    with pytest.raises(LocalFault, match="not waiting"):
        server.reply(request, HeartbeatResponse())


def test_an_answer_out_of_turn_is_the_brokers_fault() -> None:
    client = ClientConversation()
    client.send(heartbeat("m"), 0)
    with pytest.raises(RemoteFault, match="answers request 5, its turn was 0"):
        client.receive_data(joined(response_parts(12, 0, 5, HeartbeatResponse())))
    with pytest.raises(RemoteFault, match="its turn was 0"):
        client.receive_data(b"")


def test_an_answer_to_nothing_is_the_brokers_fault() -> None:
    with pytest.raises(RemoteFault, match="nothing was asked"):
        ClientConversation().receive_data(joined(response_parts(12, 0, 0, HeartbeatResponse())))


def test_an_answer_that_cannot_be_read_is_the_brokers_fault() -> None:
    client = ClientConversation()
    client.send(MetadataRequest(topics=None), 1)
    with pytest.raises(RemoteFault, match="answer cannot be read: MetadataResponse"):
        client.receive_data(struct.pack(">iii", 8, 0, 1_000_000))


def test_what_came_whole_before_a_fault_counts() -> None:
    client, server = ClientConversation(), ServerConversation()
    data = joined(client.send(heartbeat("m"), 0))
    (request,) = server.receive_data(data + struct.pack(">i", -1))
    assert request.decode() == heartbeat("m")
    assert server.fault is not None
    with pytest.raises(RemoteFault, match="frame of -1 bytes"):
        server.receive_data(b"")
    assert len(server.reply(request, HeartbeatResponse())) > 0


def test_a_header_that_cannot_be_read_is_the_clients_fault() -> None:
    server = ServerConversation()
    with pytest.raises(RemoteFault, match="client's request cannot be read: RequestHeader"):
        server.receive_data(struct.pack(">ihhi", 8, 3, 1, 7))
    with pytest.raises(RemoteFault, match="RequestHeader"):
        server.receive_end()


def test_an_end_in_the_middle_of_a_frame_is_the_peers_fault() -> None:
    client, server = ClientConversation(), ServerConversation()
    server.receive_end()
    server.receive_data(joined(client.send(heartbeat("m"), 0))[:-1])
    with pytest.raises(RemoteFault, match="in the middle of a frame"):
        server.receive_end()


def test_an_unknown_api_still_says_who_asks_what() -> None:
    server = ServerConversation()
    (request,) = server.receive_data(struct.pack(">ihhih", 10, 9999, 3, 77, -1))
    assert (request.api_key, request.version, request.correlation_id, request.client_id) == (9999, 3, 77, None)
    with pytest.raises(ProtocolError, match="API key 9999"):
        request.decode()
    assert "9999" in repr(request)


def test_the_client_numbers_its_questions() -> None:
    client = ClientConversation()
    assert client.last_correlation_id == -1
    ids = []
    for _ in range(4):
        client.send(heartbeat("m"), 0)
        ids.append(client.last_correlation_id)
    assert all(second == first + 1 for first, second in pairwise(ids))


def test_an_incoming_request_needs_only_its_frame() -> None:
    client = ClientConversation("x")
    data = joined(client.send(heartbeat("m"), 2))
    assert Incoming(bytearray(data[4:])).decode() == heartbeat("m")


@settings(max_examples=150)
@given(st.binary(max_size=80))
def test_arbitrary_bytes_never_raise_anything_but_our_own_error(noise: bytes) -> None:
    for data in (noise, struct.pack(">i", max(len(noise), 1)) + noise):
        client = ClientConversation()
        client.send(heartbeat("m"), 4)
        for receive in (ServerConversation().receive_data, client.receive_data):
            try:
                for found in receive(data):
                    if isinstance(found, Incoming):
                        found.decode()
            except ProtocolError as error:
                assert str(error)


@settings(max_examples=150)
@given(st.data())
def test_a_mutated_request_never_raises_anything_but_our_own_error(data: st.DataObject) -> None:
    client, server = ClientConversation("me"), ServerConversation()
    request = ProduceRequest(transactional_id="tx", acks=-1, timeout_ms=1, topic_data=[])
    whole = bytearray(joined(client.send(request, 9) + client.send(MetadataRequest(topics=None), 12)))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        for found in server.receive_data(whole):
            found.decode()
    except ProtocolError as error:
        assert str(error)
