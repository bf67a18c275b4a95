"""Clients that used too much are told to wait and not read meanwhile (KIP-219): dispatcher, connections, time."""

from typing import Any

from kbroker.context import Context
from kbroker.server.throttle import Throttle
from tests.kbroker.server.surroundings import FETCH, HEARTBEAT, PRODUCE, Client, Surroundings, frame, read
from tests.kbroker.virtual import VirtualWorld, passed, run
from wire.errors import ErrorCode, KafkaError
from wire.messages.fetch import FetchableTopicResponse, FetchRequest, FetchResponse, PartitionData
from wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from wire.messages.produce import PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData


def limited(world: VirtualWorld, **bounds: float) -> Surroundings:
    here = Surroundings(world=world)
    here.server.limit({(("user", None),): bounds})
    return here


def producing(size: int, acks: int = 1) -> ProduceRequest:
    data = PartitionProduceData(index=0, records=bytes(size))
    return ProduceRequest(acks=acks, timeout_ms=1000, topic_data=[TopicProduceData(name="t", partition_data=[data])])


def produced(request: Any, ctx: Context) -> ProduceResponse | None:
    return ProduceResponse(responses=[]) if request.acks else None


def throttles(client: Client, key: int, version: int) -> list[int]:
    return [read(reply, key, version)[1].throttle_time_ms for reply in client.replies]


def test_the_throttle_times_add_up_to_the_time_that_it_took() -> None:
    """The broker's mute alone holds the client to its quota: it sends everything at once, and waits for nothing."""

    async def test(world: VirtualWorld) -> None:
        here = limited(world, producer_byte_rate=1000.0)
        starts: list[float] = []

        def handler(request: Any, ctx: Context) -> ProduceResponse:
            starts.append(world.loop_time())
            return ProduceResponse(responses=[])

        here.answer(PRODUCE, handler)
        client = here.client()
        began = world.loop_time()
        count = 40
        for number in range(count):
            client.send(frame(producing(1000), 9, number))
        while len(client.replies) < count:
            await passed(1)
        told = throttles(client, PRODUCE, 9)
        for number in range(1, count):
            waited = sum(told[:number]) / 1000
            assert abs(starts[number] - began - waited) < 0.001 * number, "each begins when all waits before are over"
        elapsed, size = starts[-1] - began, len(frame(producing(1000), 9)) - 4
        assert size * count / (elapsed + 11) <= 1100
        assert size * count / elapsed >= 900

    run(test)


def test_small_requests_are_charged_together_and_none_is_forgotten() -> None:
    """A thousandth of what a second may bring is counted at once: far below it nothing is looked up."""

    async def test(world: VirtualWorld) -> None:
        here = limited(world, producer_byte_rate=100_000.0)
        here.answer(PRODUCE, produced)
        client = here.client()
        size = len(frame(producing(10), 9)) - 4
        for number in range(100):
            client.send(frame(producing(10), 9, number))
        (allowance,) = here.cluster.throttle.limits.allowances.values()
        meter = allowance.produce
        charged = sum(sample.total for sample in meter.rate._samples)
        assert meter.grain == 100 and 0 <= meter.pending < meter.grain
        assert charged + meter.pending == 100 * size
        assert not any(throttles(client, PRODUCE, 9))

    run(test)


def test_a_produce_without_acks_is_held_back_as_well() -> None:
    async def test(world: VirtualWorld) -> None:
        here = limited(world, producer_byte_rate=100.0)
        here.answer(PRODUCE, produced)
        client = here.client()
        client.send(frame(producing(3000, acks=0), 9))
        assert client.replies == []
        assert client.transport.paused
        await passed(60)
        assert not client.transport.paused

    run(test)


def test_a_fetch_that_brings_too_much_is_answered_empty_and_costs_nothing() -> None:
    async def test(world: VirtualWorld) -> None:
        here = limited(world, consumer_byte_rate=1000.0)

        def handler(request: Any, ctx: Context) -> FetchResponse:
            assert ctx.cluster.throttle is not None
            size = ctx.cluster.throttle.most_bytes(ctx, request.max_bytes)
            data = PartitionData(partition_index=0, error_code=0, high_watermark=1, records=bytes(size))
            topic = FetchableTopicResponse(topic="t", partitions=[data])
            return FetchResponse(error_code=0, session_id=7, responses=[topic])

        here.answer(FETCH, handler)
        client = here.client()

        def ask(size: int, epoch: int) -> None:
            request = FetchRequest(
                replica_id=-1, max_wait_ms=0, min_bytes=0, max_bytes=size, session_epoch=epoch, topics=[]
            )
            client.send(frame(request, 12))

        ask(9000, 0)
        ask(9000, 0)
        ask(1 << 30, 1)
        await passed(60)
        answers = [read(reply, FETCH, 12)[1] for reply in client.replies]
        assert [bool(answer.responses) for answer in answers] == [True, False, False]
        assert [answer.session_id for answer in answers] == [7, 0, 7], "a full fetch has to be asked again in full"
        assert answers[0].throttle_time_ms == 0
        assert all(answer.throttle_time_ms > 5000 for answer in answers[1:])
        ask(9000, 1)
        assert len(read(client.replies[-1], FETCH, 12)[1].responses) == 1, "what was put back is not counted"

    run(test)


def test_the_time_of_requests_is_counted_in_per_cent() -> None:
    async def test(world: VirtualWorld) -> None:
        here = limited(world, request_percentage=10.0)
        clock = {"offset": 0.0}
        real = world.loop_time
        world.loop_time = lambda: real() + clock["offset"]  # type: ignore[method-assign]

        def handler(request: Any, ctx: Context) -> HeartbeatResponse:
            clock["offset"] += 0.5
            return HeartbeatResponse(error_code=0)

        here.answer(HEARTBEAT, handler)
        client = here.client()
        beat = frame(HeartbeatRequest(group_id="g", generation_id=1, member_id="m"), 4)
        client.send(beat)
        client.send(beat)
        client.send(beat)
        told = throttles(client, HEARTBEAT, 4)
        assert told[:2] == [0, 0], "half a second twice is a tenth of ten"
        assert told[2] == 1000, "never more than one window at a time"

    run(test)


def test_a_client_that_is_answered_later_is_held_to_its_time_as_well() -> None:
    """Its handler's time counts when that has returned; the wait is told with the answer. What is answered meanwhile
    to others is not taken for it."""

    async def test(world: VirtualWorld) -> None:
        here = limited(world, request_percentage=10.0)
        clock = {"offset": 0.0}
        real = world.loop_time
        world.loop_time = lambda: real() + clock["offset"]  # type: ignore[method-assign]
        waiting: list[Any] = []

        def handler(request: Any, ctx: Context) -> Any:
            if waiting:
                waiting.pop().set_result(HeartbeatResponse(error_code=0))
            clock["offset"] += 1.5
            waiting.append(world.future())
            return waiting[0]

        here.answer(HEARTBEAT, handler)
        client, other = here.client(), here.client()
        beat = frame(HeartbeatRequest(group_id="g", generation_id=1, member_id="m"), 4)
        client.send(beat)
        other.send(beat)
        await passed(0.01)
        assert throttles(client, HEARTBEAT, 4) == [1000]
        waiting.pop().set_result(HeartbeatResponse(error_code=0))
        await passed(0.01)
        assert throttles(other, HEARTBEAT, 4) == [1000]
        throttle = here.cluster.throttle
        assert throttle is not None
        assert throttle.timed is None, "nothing is kept of a request that has been answered"

    run(test)


def test_a_request_that_fails_is_no_longer_known() -> None:
    async def test(world: VirtualWorld) -> None:
        here = limited(world, request_percentage=10.0)

        def handler(request: Any, ctx: Context) -> Any:
            raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)

        here.answer(HEARTBEAT, handler)
        client = here.client()
        client.send(frame(HeartbeatRequest(group_id="g", generation_id=1, member_id="m"), 4))
        assert read(client.replies[-1], HEARTBEAT, 4)[1].error_code == ErrorCode.UNKNOWN_MEMBER_ID
        throttle = here.cluster.throttle
        assert throttle is not None
        assert throttle.timed is None

    run(test)


def test_of_two_waits_the_longer_one_counts() -> None:
    async def test(world: VirtualWorld) -> None:
        here = Surroundings(world=world)
        waits = iter((300, 100))
        later: list[tuple[Any, Any]] = []

        def handler(request: Any, ctx: Context) -> Any:
            ctx.throttle(next(waits))
            promise = world.future()
            later.append((promise, HeartbeatResponse(error_code=0)))
            return promise

        here.answer(HEARTBEAT, handler)
        client = here.client()
        beat = frame(HeartbeatRequest(group_id="g", generation_id=1, member_id="m"), 4)
        client.send(beat + beat)
        for promise, response in later:
            promise.set_result(response)
        await passed(0.2)
        assert client.transport.paused
        await passed(0.2)
        assert not client.transport.paused

    run(test)


def test_without_quotas_nobody_is_asked() -> None:
    async def test(world: VirtualWorld) -> None:
        here = limited(world, producer_byte_rate=1.0)
        assert isinstance(here.cluster.throttle, Throttle)
        here.server.limit({})
        assert here.cluster.throttle is None
        here.answer(PRODUCE, produced)
        client = here.client()
        client.send(frame(producing(100_000), 9))
        assert throttles(client, PRODUCE, 9) == [0]

    run(test)


def test_an_address_that_connects_too_often_is_turned_away_after_a_while() -> None:
    async def test(world: VirtualWorld) -> None:
        here = Surroundings(world=world)
        here.server.limit({(("ip", None),): {"connection_creation_rate": 1.0}})
        clients = [here.client() for _ in range(11)]
        assert [client.transport.paused for client in clients] == [False] * 10 + [True]
        assert not clients[-1].transport.closed
        await passed(1.1)
        assert [client.transport.closed for client in clients] == [False] * 10 + [True]

    run(test)
