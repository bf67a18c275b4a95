"""How the versions that clients use are read off a page of metrics."""

from compat_tests.versions import CLIENTS, counted

PAGE = """
# TYPE kafka_network_requestmetrics_requests_total counter
kafka_network_requestmetrics_requests_total{request="Produce",version="9"} 12.0
kafka_network_requestmetrics_requests_total{request="Produce",version="13"} 0.0
kafka_network_requestmetrics_requests_total{request="FetchConsumer",version="12"} 3
kafka_network_requestmetrics_requests_total{request="FetchFollower",version="17"} 1
kafka_network_requestmetrics_errors_total{request="Produce",error="NONE"} 12
"""


def test_what_was_asked_is_counted_by_api_and_version() -> None:
    assert counted(PAGE) == {"Produce": [9], "Fetch": [12, 17]}


def test_every_client_has_a_release() -> None:
    for client in CLIENTS:
        if client.name not in ("kafka-python", "aiokafka", "confluent-kafka"):  # these have to be installed
            assert client.release()[0].isdecimal(), client.name
