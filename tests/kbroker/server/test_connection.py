"""One connection: requests in order, replies in order, and reading only as long as there is room."""

import struct
from typing import Any

import pytest

from kbroker.context import LATER, Context, Later
from wire.errors import ErrorCode, KafkaError
from wire.messages.fetch import FetchableTopicResponse, FetchRequest, FetchResponse, PartitionData
from wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from wire.messages.produce import ProduceRequest, ProduceResponse

from .surroundings import FETCH, HEARTBEAT, PRODUCE, Surroundings, frame, read, run, turns

BEAT = HeartbeatRequest(group_id="g", generation_id=1, member_id="m")
WRITE = ProduceRequest(acks=1, timeout_ms=1, topic_data=[])
WAIT = FetchRequest(max_wait_ms=1, min_bytes=1, topics=[])
BEATEN = HeartbeatResponse(error_code=0)
WRITTEN = ProduceResponse(responses=[])
FETCHED = FetchResponse(error_code=0, responses=[])


def beat(correlation_id: int) -> bytes:
    return frame(BEAT, 4, correlation_id)


def write(correlation_id: int) -> bytes:
    return frame(WRITE, 9, correlation_id)


def wait(correlation_id: int) -> bytes:
    return frame(WAIT, 12, correlation_id)


def test_replies_leave_in_the_order_of_their_requests() -> None:
    async def body() -> None:
        here = Surroundings()
        written = here.answer_later(PRODUCE)
        here.answer(HEARTBEAT, lambda request, ctx: BEATEN)
        client = here.client()
        client.send(write(1) + beat(2) + write(3) + beat(4))
        assert len(written) == 2, "requests start while earlier ones wait for the disk"
        written[1].set_result(WRITTEN)
        await turns()
        assert client.replies == []
        written[0].set_result(WRITTEN)
        await turns()
        assert client.correlation_ids == [1, 2, 3, 4]

    run(body)


def test_a_handler_may_answer_its_request_itself() -> None:
    async def body() -> None:
        here = Surroundings()
        asked: list[Context] = []
        here.answer(PRODUCE, lambda request, ctx: asked.append(ctx) or LATER)
        client = here.client()
        client.send(write(1) + write(2) + write(3))
        assert client.replies == []
        asked[1].answer(WRITTEN)
        asked[2].answer(KafkaError(ErrorCode.KAFKA_STORAGE_ERROR))
        assert client.replies == [], "in the order of the requests"
        asked[0].answer(WRITTEN)
        await turns()
        assert client.correlation_ids == [1, 2, 3]
        asked[0].answer(WRITTEN)
        await turns()
        assert client.correlation_ids == [1, 2, 3], "a request is answered once"

    run(body)


def test_who_waits_for_others_hears_that_the_client_has_gone_and_its_memory_is_given_back() -> None:
    async def body() -> None:
        here = Surroundings()
        left: list[int] = []

        def fetch(request: Any, ctx: Context) -> Later:
            def gone() -> None:
                left.append(ctx.correlation_id)
                ctx.answer(FETCHED)

            ctx.when_gone = gone
            return LATER

        here.answer(FETCH, fetch)
        client = here.client()
        client.send(wait(1))
        assert here.server.budget.used > 0
        client.connection.connection_lost(None)
        assert left == [1] and here.server.budget.used == 0 and client.replies == []

    run(body)


def test_nothing_starts_behind_a_request_that_waits_for_other_clients() -> None:
    async def body() -> None:
        here = Surroundings()
        fetched, beats = here.answer_later(FETCH), []
        here.answer(HEARTBEAT, lambda request, ctx: beats.append(ctx.correlation_id) or BEATEN)
        client = here.client()
        client.send(beat(1) + wait(2) + beat(3) + wait(4) + beat(5))
        assert (beats, len(fetched)) == ([1], 1)
        fetched[0].set_result(FETCHED)
        await turns()
        assert (beats, len(fetched), client.correlation_ids) == ([1, 3], 2, [1, 2, 3])
        fetched[1].set_result(FETCHED)
        await turns()
        assert client.correlation_ids == [1, 2, 3, 4, 5]

    run(body)


def test_another_connection_is_not_held_up_by_a_parked_one() -> None:
    async def body() -> None:
        here = Surroundings()
        here.answer_later(FETCH)
        here.answer(HEARTBEAT, lambda request, ctx: BEATEN)
        parked, other = here.client(), here.client()
        parked.send(wait(1))
        other.send(beat(2))
        assert other.correlation_ids == [2]

    run(body)


def test_replies_of_one_turn_are_one_write() -> None:
    async def body() -> None:
        here = Surroundings()
        written = here.answer_later(PRODUCE)
        here.answer(HEARTBEAT, lambda request, ctx: BEATEN)
        client = here.client()
        client.send(beat(1) + beat(2) + beat(3))
        assert len(client.transport.writes) == 1
        client.send(write(4) + write(5))
        for future in written:
            future.set_result(WRITTEN)
        await turns()
        assert client.correlation_ids == [1, 2, 3, 4, 5]
        assert len(client.transport.writes) == 2

    run(body)


@pytest.mark.parametrize("piece", [1, 3, 7, 1000])
def test_frames_may_come_in_pieces_of_any_size(piece: int) -> None:
    async def body() -> None:
        here = Surroundings()
        here.answer(HEARTBEAT, lambda request, ctx: BEATEN)
        client = here.client()
        client.send(beat(1) + beat(2) + beat(3), piece)
        assert client.correlation_ids == [1, 2, 3]

    run(body)


def test_a_large_frame_arrives_whole_and_its_buffer_is_overwritten_when_it_has_been_answered() -> None:
    async def body() -> None:
        here = Surroundings()
        seen: list[Any] = []

        def handler(request: ProduceRequest, ctx: Context) -> ProduceResponse:
            seen.append(request.topic_data[0].partition_data[0].records)
            assert bytes(seen[0]) == payload
            return WRITTEN

        from wire.messages.produce import PartitionProduceData, TopicProduceData

        here.answer(PRODUCE, handler)
        for size in (100, 100_000, 5_000_000):
            payload = bytes(range(256)) * (size // 256 + 1)
            partition = PartitionProduceData(index=0, records=payload)
            topic = TopicProduceData(name="t", partition_data=[partition])
            request = ProduceRequest(acks=1, timeout_ms=1, topic_data=[topic])
            client = here.client()
            client.send(frame(request, 9))
            assert client.correlation_ids == [1]
            assert set(bytes(seen.pop())) == {0xDD}, "a view that outlives its loan is seen"
        assert here.server.budget.used == 0

    run(body)


def test_without_an_answer_the_frame_is_lent_until_the_future_is_done() -> None:
    async def body() -> None:
        here = Surroundings()
        written = here.answer_later(PRODUCE)
        client = here.client()
        client.send(frame(ProduceRequest(acks=0, timeout_ms=1, topic_data=[]), 9) + write(2))
        assert here.server.budget.used > 0
        written[0].set_result(None)  # type: ignore[arg-type]
        written[1].set_result(WRITTEN)
        await turns()
        assert client.correlation_ids == [2], "acks=0 has no reply at all"
        assert here.server.budget.used == 0

    run(body)


def test_a_produce_without_acks_that_fails_costs_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    async def body() -> None:
        here = Surroundings()

        def refuse(request: Any, ctx: Any) -> Any:
            raise KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER)

        here.answer(PRODUCE, refuse)
        client = here.client()
        client.send(frame(ProduceRequest(acks=0, timeout_ms=1, topic_data=[]), 9))
        assert client.transport.closed
        assert client.replies == []

    run(body)
    assert len(caplog.records) == 1
    assert "its Produce with acks=0 failed" in caplog.text


def test_who_does_not_read_its_replies_is_not_read() -> None:
    async def body() -> None:
        here = Surroundings()
        beats: list[int] = []
        here.answer(HEARTBEAT, lambda request, ctx: beats.append(ctx.correlation_id) or BEATEN)
        client = here.client()
        client.transport.buffered = 1_000_000
        client.connection.pause_writing()
        assert client.transport.paused
        assert here.server.budget.used == 1_000_000, "what lies unsent is held, too"
        client.send(beat(1))
        assert beats == [], "what had been read already does not start either"
        client.connection.resume_writing()
        await turns()
        assert not client.transport.paused
        assert client.correlation_ids == [1]
        assert here.server.budget.used == 0

    run(body)


def test_large_replies_are_made_one_at_a_time_and_only_for_who_takes_them() -> None:
    async def body() -> None:
        here = Surroundings()
        found = PartitionData(error_code=0, high_watermark=1, records=bytes(100_000))
        large = FetchResponse(error_code=0, responses=[FetchableTopicResponse(partitions=[found])])
        fetches: list[int] = []
        here.answer(FETCH, lambda request, ctx: fetches.append(ctx.correlation_id) or large)
        client = here.client()
        client.transport.protocol = client.connection  # which is told of what the client does not take
        client.send(b"".join(wait(number) for number in range(50)))
        assert fetches == [0]
        for number in range(1, 4):
            client.connection.resume_writing()
            assert fetches == list(range(number + 1))

    run(body)


def test_what_fetches_find_does_not_pile_up_behind_a_write() -> None:
    async def body() -> None:
        here = Surroundings()
        written = here.answer_later(PRODUCE)
        fetches: list[int] = []
        here.answer(FETCH, lambda request, ctx: fetches.append(ctx.correlation_id) or FETCHED)
        client = here.client()
        client.send(write(0) + b"".join(wait(number) for number in range(1, 50)))
        assert fetches == [1]
        written[0].set_result(WRITTEN)
        await turns()
        assert client.correlation_ids == list(range(50))

    run(body)


def test_who_sends_much_behind_a_parked_request_is_not_read_until_that_is_answered() -> None:
    async def body() -> None:
        here = Surroundings()
        fetched = here.answer_later(FETCH)
        here.answer(HEARTBEAT, lambda request, ctx: BEATEN)
        client = here.client()
        client.send(wait(0) + b"".join(beat(number) for number in range(1, 40)))
        assert client.transport.paused
        fetched[0].set_result(FETCHED)
        await turns()
        assert not client.transport.paused
        assert client.correlation_ids == list(range(40))

    run(body)


def test_when_requests_hold_too_much_nobody_is_read_until_some_are_answered() -> None:
    async def body() -> None:
        here = Surroundings(queued_max_request_bytes="100")
        written = here.answer_later(PRODUCE)
        here.answer(HEARTBEAT, lambda request, ctx: BEATEN)
        big, other = here.client(), here.client()
        big.send(write(1) + write(2) + write(3) + write(4))
        assert big.transport.paused
        assert not other.transport.paused
        other.send(beat(1))
        assert other.correlation_ids == [1]
        assert other.transport.paused
        for future in written:
            future.set_result(WRITTEN)
        await turns()
        assert not big.transport.paused
        assert not other.transport.paused

    run(body)


def test_half_a_large_frame_may_be_completed_by_one_connection_at_a_time() -> None:
    async def body() -> None:
        here = Surroundings(queued_max_request_bytes="100")
        here.answer(PRODUCE, lambda request, ctx: WRITTEN)
        first, second = here.client(), here.client()
        half = struct.pack(">i", 50_000) + bytes(20_000)
        first.send(half)
        assert not first.transport.paused, "it has the passage"
        second.send(half)
        assert second.transport.paused
        first.lose()
        await turns()
        assert not second.transport.paused
        second.lose()
        assert here.server.budget.used == 0

    run(body)


def test_a_client_that_was_told_to_wait_is_not_read_for_that_long() -> None:
    async def body() -> None:
        here = Surroundings()

        def handler(request: Any, ctx: Context) -> HeartbeatResponse:
            ctx.throttle(20)
            return HeartbeatResponse(error_code=0)

        here.answer(HEARTBEAT, handler)
        client = here.client()
        client.send(beat(1) + beat(2))
        assert client.correlation_ids == [1]
        assert read(client.replies[0], HEARTBEAT, 4)[1].throttle_time_ms == 20
        assert client.transport.paused
        over = here.world.future()
        here.world.later(0.03, over.set_result, None)
        await over
        assert client.correlation_ids == [1, 2]

    run(body)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (struct.pack(">i", 0), "a frame of 0 bytes"),
        (struct.pack(">i", -1), "a frame of -1 bytes"),
        (struct.pack(">i", 0x7FFFFFFF), "a frame of 2147483647 bytes"),
        (b"GET / HTTP/1.1\r\n\r\n", "an HTTP request"),
        (struct.pack(">ihhih", 10, 4, 0, 1, -1), "API key 4 (LeaderAndIsr), which this broker does not have"),
        (struct.pack(">ihhih", 10, 999, 0, 1, -1), "API key 999, which this broker does not have"),
        (struct.pack(">ihhihb", 11, 12, 99, 1, -1, 0), "Heartbeat v99, where v0 to v4 are supported"),
        (struct.pack(">ihhih", 10, 0, 2, 1, -1), "Produce v2, where v3 to v13 are supported"),
        (struct.pack(">ihhih", 10, 12, 0, 1, -1), "it sent bytes that are no request"),
        (struct.pack(">ih", 2, 12), "it sent bytes that are no request"),
    ],
)
def test_what_cannot_be_answered_costs_the_connection_and_is_logged_once(
    caplog: pytest.LogCaptureFixture, data: bytes, reason: str
) -> None:
    async def body() -> None:
        here = Surroundings()
        here.answer(HEARTBEAT, lambda request, ctx: BEATEN)
        client, other = here.client(), here.client()
        client.send(beat(1) + data + beat(2))
        assert client.correlation_ids == [1], "what came before counts"
        assert client.transport.closed
        client.lose()
        other.send(beat(3))
        assert other.correlation_ids == [3], "nobody else is harmed"

    run(body)
    assert len(caplog.records) == 1
    assert reason in caplog.text


def test_bytes_left_over_behind_a_request_do_no_harm() -> None:
    async def body() -> None:
        here = Surroundings()
        here.answer(HEARTBEAT, lambda request, ctx: BEATEN)
        client = here.client()
        data = beat(1)
        client.send(struct.pack(">i", len(data) - 4 + 3) + data[4:] + b"abc")
        assert client.correlation_ids == [1]

    run(body)


def test_a_client_that_goes_away_gives_everything_back() -> None:
    async def body() -> None:
        here = Surroundings()
        written, fetched = here.answer_later(PRODUCE), here.answer_later(FETCH)
        client = here.client()
        client.send(write(1) + wait(2) + write(3) + struct.pack(">i", 100_000) + bytes(40_000))
        client.lose()
        assert not here.server.connections
        written[0].set_result(WRITTEN)
        fetched[0].set_result(FETCHED)
        await turns()
        assert len(written) == 1, "what had not started never does"
        assert client.replies == []
        assert here.server.budget.used == 0

    run(body)
