"""From a request to its reply: what handlers return and raise, and who answers then."""

import gc
import weakref
from typing import Any

import pytest

from kbroker.context import LATER, Context, Later
from wire.errors import ErrorCode, KafkaError
from wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from wire.messages.list_offsets import ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic

from .surroundings import HEARTBEAT, Surroundings, frame, read, run, turns

BEAT = HeartbeatRequest(group_id="g", generation_id=1, member_id="m")


def answer_of(handler: Any, version: int = 4) -> HeartbeatResponse:
    """What a client reads when this handles its request."""
    found: list[HeartbeatResponse] = []

    async def body() -> None:
        here = Surroundings()
        here.answer(HEARTBEAT, handler)
        client = here.client()
        client.send(frame(BEAT, version, correlation_id=77))
        await turns(12)
        (reply,) = client.replies
        correlation_id, response = read(reply, HEARTBEAT, version)
        assert correlation_id == 77
        found.append(response)

    run(body)
    return found[0]


@pytest.mark.parametrize("version", [0, 1, 3, 4])
def test_a_plain_response_is_the_reply(version: int) -> None:
    assert answer_of(lambda request, ctx: HeartbeatResponse(error_code=27), version).error_code == 27


def test_a_coroutine_may_take_its_time() -> None:
    async def handler(request: HeartbeatRequest, ctx: Context) -> HeartbeatResponse:
        await turns()
        return HeartbeatResponse(error_code=0)

    assert answer_of(handler).error_code == 0


def test_the_handler_is_told_who_asks_and_in_which_version() -> None:
    def handler(request: HeartbeatRequest, ctx: Context) -> HeartbeatResponse:
        assert (request.group_id, ctx.version, ctx.client_id, ctx.correlation_id) == ("g", 3, "tester", 77)
        assert (ctx.connection.host, ctx.connection.port) == ("10.0.0.7", 5000)
        assert ctx.connection.principal == "User:ANONYMOUS"
        assert (ctx.node.id, ctx.listener.name) == (1, "PLAINTEXT")
        assert ctx.authorize("READ", "GROUP", ["a", "b"]) == [True, True]
        return HeartbeatResponse(error_code=0)

    assert answer_of(handler, 3).error_code == 0


def raises(error: Exception) -> Any:
    def handler(request: Any, ctx: Any) -> Any:
        raise error

    return handler


def raises_later(error: Exception) -> Any:
    async def handler(request: Any, ctx: Any) -> Any:
        await turns(1)
        raise error

    return handler


@pytest.mark.parametrize("how", [raises, raises_later])
def test_a_kafka_error_becomes_its_code(how: Any) -> None:
    assert answer_of(how(KafkaError(ErrorCode.FENCED_INSTANCE_ID))).error_code == ErrorCode.FENCED_INSTANCE_ID


@pytest.mark.parametrize("how", [raises, raises_later])
def test_a_bug_of_ours_is_answered_and_logged_once_with_its_traceback(
    how: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert answer_of(how(ZeroDivisionError("ours"))).error_code == ErrorCode.UNKNOWN_SERVER_ERROR
    assert len(caplog.records) == 1
    assert "Heartbeat v4 of client tester" in caplog.text
    assert "ZeroDivisionError: ours" in caplog.text


def test_a_response_that_its_version_cannot_carry_is_a_bug_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    answer = answer_of(lambda request, ctx: HeartbeatResponse(error_code="nonsense"))  # type: ignore[arg-type]
    assert answer.error_code == ErrorCode.UNKNOWN_SERVER_ERROR
    assert len(caplog.records) == 1


def test_an_error_for_the_whole_request_stands_at_every_item() -> None:
    async def body() -> None:
        here = Surroundings()
        here.answer(2, raises(KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER)))
        client = here.client()
        partitions = [ListOffsetsPartition(partition_index=index, timestamp=-1) for index in (0, 1)]
        request = ListOffsetsRequest(replica_id=-1, topics=[ListOffsetsTopic(name="t", partitions=partitions)])
        client.send(frame(request, 7))
        _, response = read(client.replies[0], 2, 7)
        (topic,) = response.topics
        assert (topic.name, [(one.partition_index, one.error_code, one.offset) for one in topic.partitions]) == (
            "t", [(0, 6, -1), (1, 6, -1)],
        )  # fmt: skip

    run(body)


def test_the_connection_lives_on_after_an_error() -> None:
    async def body() -> None:
        here = Surroundings()
        here.answer(HEARTBEAT, raises(RuntimeError("ours")))
        client = here.client()
        client.send(frame(BEAT, 4, 1) + frame(BEAT, 4, 2))
        assert client.correlation_ids == [1, 2]
        assert not client.transport.closed

    run(body)


def test_an_answered_request_is_gone_without_the_garbage_collector() -> None:
    """A parked fetch holds its call, which would tell it of the client's end: of a circle, thousands would pile up."""
    here_and_gone: list[weakref.ref[Any]] = []

    class Parked:
        def __init__(self, ctx: Context) -> None:
            self.ctx = ctx
            ctx.when_gone = self.gone

        def gone(self) -> None: ...

    async def body() -> None:
        here = Surroundings()
        parked: list[Parked] = []

        def handler(request: Any, ctx: Context) -> Later:
            parked.append(Parked(ctx))
            here_and_gone.append(weakref.ref(parked[0]))
            return LATER

        here.answer(HEARTBEAT, handler)
        client = here.client()
        client.send(frame(BEAT, 4))
        parked.pop().ctx.answer(HeartbeatResponse(error_code=0))
        await turns()
        assert len(client.replies) == 1

    gc.disable()
    try:
        run(body)
        assert here_and_gone[0]() is None
    finally:
        gc.enable()
