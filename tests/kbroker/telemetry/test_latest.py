"""What clients have said of themselves, as the metrics page shows it."""

import re

import pytest

from kbroker.telemetry import latest
from kbroker.telemetry.latest import Family, Latest
from kbroker.telemetry.otlp import Metric
from tests.kbroker.http.asking import get
from tests.kbroker.running import connect, run, serving
from tests.kbroker.security.probes import build
from tests.kbroker.telemetry.test_telemetry import pushed
from wire.messages.get_telemetry_subscriptions import GetTelemetrySubscriptionsRequest
from wire.messages.push_telemetry import PushTelemetryRequest

NOW, INTERVAL_MS = 1_000_000, 1000


def known(instance: str = "i") -> dict[str, str]:
    return {
        "client_instance_id": instance, "client_id": "app", "client_software_name": "tests",
        "client_software_version": "1",
    }  # fmt: skip


def metric(name: str, value: float, kind: str = "gauge", delta: bool = False, **attributes: str) -> Metric:
    return Metric(name, kind, value, "1", attributes, {}, NOW, delta, kind == "sum")


def told(board: Latest, now: int = NOW) -> dict[str, list[float]]:
    return {family.name: [value for _, value in family.samples] for family in board.families(now)}


def test_a_gauge_is_what_was_said_last_and_deltas_add_up() -> None:
    board = Latest()
    for value in (3.0, 4.0):
        said = [metric("a.gauge", value), metric("a.total", value, "sum", True), metric("b.count", value, "sum")]
        board.take(known(), said, INTERVAL_MS, NOW)
    assert told(board) == {"client_a_gauge": [4.0], "client_a_total": [7.0], "client_b_count_total": [4.0]}


def test_a_series_has_the_labels_of_its_client_and_its_attributes() -> None:
    board = Latest()
    board.take(known(), [metric("x-y.z", 1.0, **{"node.id": "2", "1st": "a", "client_id": "liar"})], INTERVAL_MS, NOW)
    (family,) = board.families(NOW)
    assert family == Family("client_x_y_z", "gauge", latest.WORDS, family.samples)
    ((labels, _),) = family.samples
    assert labels == {**known(), "node_id": "2", "attribute_1st": "a"}


def test_no_client_can_pass_for_the_broker_or_say_one_thing_twice() -> None:
    board = Latest()
    said = [metric("kafka_brokers", 9.0), metric("org.apache.kafka.m", 1.0, **{"a.b": "x"})]
    board.take(known(), [*said, metric("org_apache_kafka_m", 2.0, a_b="x")], INTERVAL_MS, NOW)
    assert told(board) == {"client_kafka_brokers": [9.0], "org_apache_kafka_m": [2.0]}


def test_clients_and_attributes_are_series_of_their_own() -> None:
    board = Latest()
    for instance in ("i", "j"):
        board.take(known(instance), [metric("m", 1.0, node=node) for node in "12"], INTERVAL_MS, NOW)
    assert told(board) == {"client_m": [1.0] * 4}


def test_who_ends_or_is_silent_is_forgotten() -> None:
    board = Latest()
    for instance in ("i", "j"):
        board.take(known(instance), [metric("m", 1.0)], INTERVAL_MS, NOW)
    board.ended("i")
    assert told(board, NOW + 3 * INTERVAL_MS) == {"client_m": [1.0]}
    assert told(board, NOW + 3 * INTERVAL_MS + 1) == {}


def test_there_are_only_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latest, "MOST_OF_ONE", 3)
    monkeypatch.setattr(latest, "MOST_SERIES", 7)
    board = Latest()
    for instance in ("i", "j", "k", "l"):
        board.take(known(instance), [metric(f"m{number}", 1.0) for number in range(5)], INTERVAL_MS, NOW)
    assert sum(map(len, told(board).values())) == 7
    assert board.left_out == 13


def test_the_page_has_what_a_client_pushed() -> None:
    async def body() -> None:
        async with serving(kbroker_http="127.0.0.1:0") as broker:
            assert "client_instance_id" not in (await get(broker, "/metrics"))[1]
            client = await connect(broker)
            configs = [{"name": "metrics", "value": "*"}, {"name": "interval.ms", "value": "60000"}]
            resource = {"resource_type": 16, "resource_name": "all", "configs": configs}
            await client.ask(build("incremental_alter_configs", {"resources": [resource]}), 1)
            found = await client.ask(GetTelemetrySubscriptionsRequest(client_instance_id=bytes(16)), 0)
            push = PushTelemetryRequest(
                client_instance_id=found.client_instance_id,
                subscription_id=found.subscription_id,
                terminating=False,
                compression_type=0,
                metrics=pushed("org.apache.kafka.producer.x", 7.5),
            )
            assert (await client.ask(push, 0)).error_code == 0
            page = (await get(broker, "/metrics"))[1]
            assert re.search(
                r'(?m)^org_apache_kafka_producer_x\{client_id="tester",client_instance_id=".{22}",.*} 7\.5$', page
            )
            assert "# TYPE org_apache_kafka_producer_x gauge" in page
            assert "kbroker_client_metrics_left_out_total 0" in page
            await client.close()

    run(body)
