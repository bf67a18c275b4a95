"""What clients have pushed, for whoever may see it."""

import json

from kbroker.telemetry import Push
from kbroker.telemetry.otlp import Metric

from ..running import run, serving
from .asking import get


def push(value: float) -> Push:
    client = {"client_id": "shop", "client_instance_id": "i"}
    return Push(client, 7, False, [Metric("latency", "gauge", value, "ms", {"topic": "t"}, {}, 5)])


def test_pushes_are_told_as_they_came() -> None:
    async def body() -> None:
        async with serving(kbroker_http="127.0.0.1:0") as broker:
            assert json.loads((await get(broker, "/telemetry"))[1]) == {"pushes": []}
            broker.cluster.telemetry.received.extend([push(1.5), push(float("nan"))])
            first, second = json.loads((await get(broker, "/telemetry"))[1])["pushes"]
            assert (first["client"]["client_id"], first["time_ms"]) == ("shop", 7)
            (metric,) = first["metrics"]
            assert (metric["name"], metric["value"], metric["attributes"]) == ("latency", 1.5, {"topic": "t"})
            assert second["metrics"][0]["value"] is None, "JSON knows no NaN"

    run(body)


def test_they_are_for_those_who_may_describe_the_subscriptions() -> None:
    async def body() -> None:
        authorizer = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
        for super_users, status in (("User:admin", 409), ("User:console", 200)):
            async with serving(
                kbroker_http="127.0.0.1:0", authorizer_class_name=authorizer, super_users=super_users
            ) as broker:
                assert (await get(broker, "/telemetry"))[0] == status

    run(body)
