"""Who is asked for which metrics, and which pushes are taken (KIP-714, Kafka's `ClientMetricsManager`)."""

from collections.abc import Mapping

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData

from kbroker.telemetry import Telemetry, subscription_of
from tests.kbroker.running import connect, run, serving
from tests.kbroker.security.probes import build
from wire.compression import compress
from wire.errors import ErrorCode, KafkaError
from wire.messages.get_telemetry_subscriptions import GetTelemetrySubscriptionsRequest
from wire.messages.push_telemetry import PushTelemetryRequest

ME = b"m" * 16
KNOWN = {"client_id": "reader-1", "client_instance_id": "m", "client_software_name": "tests"}
NOW = 1_700_000_000_000


def pushed(name: str = "messages", value: float = 4.0) -> bytes:
    data = MetricsData()
    metric = data.resource_metrics.add().scope_metrics.add().metrics.add(name=name)
    metric.gauge.data_points.add(as_double=value)
    found: bytes = data.SerializeToString()
    return found


class Stage:
    def __init__(self, **wanted: Mapping[str, str]) -> None:
        self.wanted: dict[str, Mapping[str, str]] = dict(wanted)
        self.telemetry = Telemetry(lambda: self.wanted, 10_000)

    def push(
        self, now: int, id: int, data: bytes = b"", codec: int = 0, terminating: bool = False, who: bytes = ME
    ) -> ErrorCode:
        try:
            self.telemetry.push(who, KNOWN, id, codec, data, terminating, now)
        except KafkaError as error:
            return error.code
        return ErrorCode.NONE

    def ask(self, now: int) -> ErrorCode:
        try:
            self.telemetry.subscribe(ME, KNOWN, now)
        except KafkaError as error:
            return error.code
        return ErrorCode.NONE


ALL = {"metrics": "*", "interval.ms": "1000"}


def test_a_client_is_asked_for_all_that_it_matches() -> None:
    wanted = {
        "a": {"metrics": "x,y", "interval.ms": "5000"},
        "b": {"metrics": "z", "interval.ms": "1000", "match": "client_id=reader-.*,client_software_name=tests"},
        "c": {"metrics": "*", "match": "client_id=writer"},
    }
    found = subscription_of(wanted, ME, KNOWN)
    assert (found.metrics, found.interval_ms) == (("x", "y", "z"), 1000)
    assert subscription_of(wanted, ME, {**KNOWN, "client_id": "writer"}).metrics == ("*",)
    assert subscription_of({}, ME, KNOWN)[1:] == (300_000, ())


def test_the_id_is_another_one_when_something_else_is_wanted_or_of_somebody_else() -> None:
    first = subscription_of({"a": {"metrics": "x"}}, ME, KNOWN)
    assert first == subscription_of({"a": {"metrics": "x"}}, ME, KNOWN)
    others = [
        subscription_of({"a": {"metrics": "y"}}, ME, KNOWN),
        subscription_of({"a": {"metrics": "x", "interval.ms": "100"}}, ME, KNOWN),
        subscription_of({"a": {"metrics": "x"}}, b"n" * 16, KNOWN),
    ]
    assert len({first.id, *(other.id for other in others)}) == 4


@pytest.mark.parametrize("codec", range(5))
def test_pushes_in_every_codec_are_read(codec: int) -> None:
    stage = Stage(all=ALL)
    id = stage.telemetry.subscribe(ME, KNOWN, NOW).id
    data = pushed() if not codec else compress(codec, pushed())
    assert stage.push(NOW, id, data, codec) == ErrorCode.NONE
    ((metric,),) = [push.metrics for push in stage.telemetry.received]
    assert (metric.name, metric.kind, metric.value) == ("messages", "gauge", 4.0)
    assert stage.telemetry.received[0].client["client_id"] == "reader-1"


def test_too_soon_is_told() -> None:
    stage = Stage(all=ALL)
    id = stage.telemetry.subscribe(ME, KNOWN, NOW).id
    assert stage.ask(NOW + 999) == ErrorCode.THROTTLING_QUOTA_EXCEEDED
    assert stage.push(NOW + 500, id) == ErrorCode.NONE, "the first push after the question may come early"
    assert stage.push(NOW + 1499, id) == ErrorCode.THROTTLING_QUOTA_EXCEEDED
    assert stage.push(NOW + 1500, id) == ErrorCode.NONE
    assert stage.ask(NOW + 2000) == ErrorCode.THROTTLING_QUOTA_EXCEEDED
    assert stage.ask(NOW + 2500) == ErrorCode.NONE


def test_an_old_subscription_is_told_and_may_be_asked_for_anew_at_once() -> None:
    stage = Stage(all=ALL)
    id = stage.telemetry.subscribe(ME, KNOWN, NOW).id
    stage.wanted["all"] = {"metrics": "other", "interval.ms": "1000"}
    assert stage.push(NOW + 1000, id) == ErrorCode.UNKNOWN_SUBSCRIPTION_ID
    assert stage.ask(NOW + 1001) == ErrorCode.NONE
    assert stage.telemetry.received == stage.telemetry.received.__class__(maxlen=100)


def test_who_said_that_it_ends_is_not_heard_again() -> None:
    stage = Stage(all=ALL)
    id = stage.telemetry.subscribe(ME, KNOWN, NOW).id
    assert stage.push(NOW, id, pushed()) == ErrorCode.NONE
    assert stage.push(NOW + 1, id, pushed(), terminating=True) == ErrorCode.NONE, "the last push may come at any time"
    assert [push.terminating for push in stage.telemetry.received] == [False, True]
    assert stage.push(NOW + 5000, id, pushed()) == ErrorCode.INVALID_REQUEST


def test_what_cannot_be_taken_is_refused() -> None:
    for data, codec, expected in (
        (bytes(10_001), 0, ErrorCode.TELEMETRY_TOO_LARGE),
        (b"", 9, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE),
        (b"no metrics", 0, ErrorCode.INVALID_RECORD),
        (b"no zstd", 4, ErrorCode.INVALID_RECORD),
        (compress(1, bytes(1_000_000)), 1, ErrorCode.INVALID_RECORD),
    ):
        stage = Stage(all=ALL)
        id = stage.telemetry.subscribe(ME, KNOWN, NOW).id
        assert stage.push(NOW, id, data, codec) == expected
        assert not stage.telemetry.received
    assert Stage(all=ALL).push(NOW, 0, who=bytes(16)) == ErrorCode.INVALID_REQUEST


def test_what_is_kept_is_bounded() -> None:
    stage = Stage(all={"metrics": "*", "interval.ms": "100"})
    id = stage.telemetry.subscribe(ME, KNOWN, NOW).id
    for number in range(150):
        assert stage.push(NOW + 100 * number, id, pushed(value=number)) == ErrorCode.NONE
    assert [push.metrics[0].value for push in stage.telemetry.received] == list(range(50, 150))


def test_a_broker_asks_once_somebody_wants_to_know() -> None:
    async def body() -> None:
        async with serving() as broker:
            client = await connect(broker)

            async def advertised() -> set[int]:
                named = {"client_software_name": "tests", "client_software_version": "1"}
                response = await client.ask(build("api_versions", named), 3)
                return {row.api_key for row in response.api_keys} & {71, 72}

            assert await advertised() == set()
            configs = [{"name": "metrics", "value": "*"}, {"name": "interval.ms", "value": "100"}]
            resource = {"resource_type": 16, "resource_name": "all", "configs": configs}
            await client.ask(build("incremental_alter_configs", {"resources": [resource]}), 1)
            assert await advertised() == {71, 72}
            found = await client.ask(GetTelemetrySubscriptionsRequest(client_instance_id=bytes(16)), 0)
            assert found.client_instance_id != bytes(16)
            assert (found.requested_metrics, found.push_interval_ms) == (["*"], 100)
            assert found.accepted_compression_types == [4, 3, 1, 2]
            push = PushTelemetryRequest(
                client_instance_id=found.client_instance_id,
                subscription_id=found.subscription_id,
                terminating=False,
                compression_type=0,
                metrics=pushed(),
            )
            assert (await client.ask(push, 0)).error_code == 0
            assert broker.cluster.telemetry.received[0].client["client_software_name"] == "tests"
            await client.close()

    run(body)
